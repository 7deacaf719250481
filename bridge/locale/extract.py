"""Finds every English string for people in the code, the templates and the commands; never translates one."""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from bridge.catalogues import HERE, SOURCE_LANGUAGE
from bridge.registry import load
from bridge.times import LANGUAGES

PACKAGE = HERE.parent
TEMPLATE = HERE / "hearth.pot"
_METHODS = [("**/templates/**.md", "jinja2"), ("**/templates/**.html", "jinja2"), ("**.py", "python")]
_OPTIONS = {"**/templates/**.md": {"trimmed": "true"}, "**/templates/**.html": {"trimmed": "true"}}
_KEYWORDS = {
    "words": None,
    "words_n": (1, 2),
    "gettext": None,
    "_": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}


_RESTLESS = (
    "# ", '"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator', '"Language-Team', '"Report-Msgid',
)  # fmt: skip


def extracted() -> Catalog:
    """All strings, sorted, so that the same code gives the same bytes: no dates, and files without line numbers."""
    found = Catalog(project="hearth", domain="hearth", charset="utf-8", fuzzy=False)
    options = {key: dict(value) for key, value in _OPTIONS.items()}
    for file, _line, message, comments, context in extract_from_dir(
        PACKAGE,
        method_map=_METHODS,
        options_map=options,
        keywords=_KEYWORDS,
        comment_tags=("Translators:",),
        strip_comment_tags=True,
    ):
        found.add(message, locations=[(f"bridge/{Path(file).as_posix()}", 0)], auto_comments=comments, context=context)
    for command in load().every:
        where = command.run.__module__.replace(".", "/") + ".py"
        for source, context in command.sources():
            found.add(source, locations=[(where, 0)], context=context)
    return found


def as_bytes(catalogue: Catalog) -> bytes:
    """The catalogue as a .po file without anything that changes by itself."""
    out = io.BytesIO()
    write_po(out, catalogue, width=100, omit_header=False, sort_output=True, include_lineno=False, ignore_obsolete=True)
    kept = [line for line in out.getvalue().decode().splitlines() if not line.startswith(_RESTLESS) and line != "#"]
    return ("\n".join(kept).strip() + "\n").encode()


def catalogues() -> Iterator[tuple[str, Path]]:
    """The languages that have a catalogue, and where it is."""
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            yield language, HERE / language / "LC_MESSAGES" / "hearth.po"


def merged(language: str, path: Path, template: Catalog) -> Catalog:
    """A language's catalogue with the strings that the code has now: new ones empty, vanished ones gone."""
    old = Catalog(locale=language, domain="hearth", charset="utf-8", fuzzy=False)
    if path.is_file():
        with path.open("rb") as file:
            old = read_po(file, locale=language, domain="hearth")
    old.update(template, no_fuzzy_matching=True)
    old.fuzzy = False
    return old
