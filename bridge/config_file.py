"""Reads the configuration from its file, the environment and systemd credentials; never prints or keeps a value in an error.

Every mistake is found at once. Order: environment (`HEARTH_MATRIX__USER_ID`), then `$CREDENTIALS_DIRECTORY/matrix__user_id`, then the file.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.config import Config
from bridge.config_mistakes import Loc, Mistake, all_rooms, contradictions, field_at, from_schema, nearest, spell
from bridge.config_yaml import NotYaml, parse, parse_value

PREFIX = "HEARTH_"
MOST_PICTURE_BYTES = 5 * 1024**2

_SECRETS: Mapping[Loc, str | None] = {  # secret -> the file in data_dir that holds it unless said otherwise
    ("matrix", "access_token"): None,
    ("matrix", "password"): None,
    ("matrix", "application_service", "as_token"): "as_token",
    ("matrix", "application_service", "hs_token"): "hs_token",
    ("membership", "webhook", "secret"): None,
    ("reports", "admin_token"): None,
}
_SEVERAL = frozenset({("membership", "webhook", "secret")})
"""Secrets of which several may hold at the same time, so that they can be changed without a gap: a line each."""


class ConfigError(Exception):
    """The configuration cannot be used; `mistakes` holds every reason, in the order of the file."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        """Take at least one mistake."""
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(slots=True)
class _Sources:
    """What was read so far: the raw values, where each came from, and the mistakes met on the way."""

    file: Path
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Loc, int] = field(default_factory=dict)
    overrides: dict[Loc, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def place(self, loc: Loc) -> tuple[str, int]:
        """Where this value, or the nearest part that holds it, was written."""
        for length in range(len(loc), -1, -1):
            if loc[:length] in self.overrides:
                return self.overrides[loc[:length]], 0
            if loc[:length] in self.lines:
                return str(self.file), self.lines[loc[:length]]
        return str(self.file), 1

    def wrong(self, loc: Loc, what: str) -> None:
        """Note a mistake about this value."""
        where, line = self.place(loc)
        self.mistakes.append(Mistake(where, line, spell(loc), what))

    def get(self, loc: Loc) -> Any:
        """The raw value there, or None."""
        value: Any = self.data
        for part in loc:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def put(self, loc: Loc, value: Any) -> bool:
        """Write a raw value; False when something that is no section stands in the way."""
        section = self.data
        for part in loc[:-1]:
            section = section.setdefault(str(part), {})
            if not isinstance(section, dict):
                return False
        section[str(loc[-1])] = value
        return True


def load(file: Path, environment: Mapping[str, str] | None = None, *, secrets: bool = True) -> Config:
    """The configuration with its secrets and with paths made absolute (relative ones count from the file's directory).

    `environment` is that of the process unless given. Raises ConfigError with every mistake. With `secrets=False` nothing needs to be there to sign in with, and no secret file is opened.
    """
    environment = os.environ if environment is None else environment
    sources = _Sources(file)
    _read(sources)
    _overlay_credentials(sources, environment)
    _overlay_environment(sources, environment)
    _make_absolute(sources)
    _read_guide(sources)
    for loc, what in contradictions(sources.data, sign_in=secrets):
        sources.wrong(loc, what)
    if secrets:
        _read_secrets(sources)
    config: Config | None = None
    try:
        config = Config.model_validate(sources.data)
    except ValidationError as error:
        for loc, what in from_schema(error):
            sources.wrong(loc, what)
    if sources.mistakes or config is None:
        raise ConfigError(sorted(dict.fromkeys(sources.mistakes), key=lambda mistake: (mistake.line, mistake.path)))
    return config


def _read(sources: _Sources) -> None:
    """The file itself. Without a readable file nothing else is worth saying, so this raises."""
    file = sources.file
    try:
        parsed = parse(file.read_text(encoding="utf-8"))
    except NotYaml as error:
        raise _stop(file, error.what, error.line) from None
    except FileNotFoundError:
        raise _stop(
            file, f"there is no such file; `hearth example-config > {file.name}` writes one to begin with"
        ) from None
    except IsADirectoryError:
        raise _stop(file, "this is a directory; name the file in it") from None
    except UnicodeDecodeError:
        raise _stop(file, "this is not a text file in UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise _stop(file, f"cannot be read ({error.strerror}); let the user that runs Hearth read it") from None
    sources.data, sources.lines = parsed.data, parsed.lines
    for loc, line in parsed.doubles:
        what = f"stands here twice, first in line {parsed.lines[loc]}; keep one"
        sources.mistakes.append(Mistake(str(file), line, spell(loc), what))


def _stop(file: Path, what: str, line: int = 0) -> ConfigError:
    return ConfigError([Mistake(str(file), line, "", what)])


def _overlay_credentials(sources: _Sources, environment: Mapping[str, str]) -> None:
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory or not Path(directory).is_dir():
        return
    for file in sorted(Path(directory).iterdir()):
        if file.is_file():
            where = f"credential {file.name}"
            loc = tuple(file.name.lower().split("__"))
            if field_at(loc) is None:
                _near_miss(sources, where, file.name, loc)
                continue
            try:
                _override(sources, where, loc, file.read_text(encoding="utf-8").strip())
            except (OSError, UnicodeDecodeError):
                sources.mistakes.append(
                    Mistake(where, 0, spell(loc), "cannot be read; look at LoadCredential in the unit")
                )


def _overlay_environment(sources: _Sources, environment: Mapping[str, str]) -> None:
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX):
            loc = tuple(name.removeprefix(PREFIX).lower().split("__"))
            if field_at(loc) is None:
                _near_miss(sources, f"environment {name}", name, loc)
            else:
                _override(sources, f"environment {name}", loc, value)


def _near_miss(sources: _Sources, where: str, name: str, loc: tuple[str, ...]) -> None:
    """A name that looks like one of ours is a mistake; any other belongs to somebody else."""
    parent = field_at(loc[:-1])
    hint = nearest(loc[-1], parent.model_fields) if parent and hasattr(parent, "model_fields") else None
    if hint:
        prefix = PREFIX if name.startswith(PREFIX) else ""
        right = "__".join((*loc[:-1], hint))
        sources.mistakes.append(
            Mistake(where, 0, spell(loc), f"unknown; did you mean '{prefix}{right.upper() if prefix else right}'?")
        )
    elif len(loc) > 1 and name.startswith(PREFIX):
        sources.mistakes.append(Mistake(where, 0, spell(loc), "unknown; remove it"))


def _override(sources: _Sources, where: str, loc: tuple[str, ...], value: str) -> None:
    parsed: Any = value
    if value.lstrip().startswith(("[", "{")):
        try:
            parsed = parse_value(value)
        except NotYaml:
            sources.mistakes.append(
                Mistake(where, 0, spell(loc), "this list is not valid YAML; write it like [one, two]")
            )
            return
    sources.overrides[loc] = where
    if not sources.put(loc, parsed):
        sources.wrong(loc, "cannot be set: the file has something else in its section")
    beside = (*loc[:-1], f"{loc[-1]}_file")
    if loc in _SECRETS and beside not in sources.overrides and isinstance(section := sources.get(loc[:-1]), dict):
        section.pop(beside[-1], None)


def _make_absolute(sources: _Sources) -> None:
    """Relative paths count from the directory of the file, wherever Hearth is started."""
    base = sources.file.absolute().parent
    if "data_dir" not in sources.data:
        sources.data["data_dir"] = str(Config.model_fields["data_dir"].default)
    for loc in (("data_dir",), *((*secret[:-1], f"{secret[-1]}_file") for secret in _SECRETS)):
        value = sources.get(loc)
        if isinstance(value, str):
            sources.put(loc, str(base / Path(value).expanduser()))
    for loc, room in all_rooms(sources.data.get("community") or {}):
        picture = room.get("avatar")
        if isinstance(picture, str) and not picture.startswith("mxc://") and isinstance(room, dict):
            file = base / Path(picture).expanduser()
            room["avatar"] = str(file)
            wrong = _not_a_picture(file)
            if wrong:
                sources.wrong((*loc, "avatar"), wrong)


_GUIDE_FILE: Loc = ("protections", "crisis", "file")


def _read_guide(sources: _Sources) -> None:
    """The community's own file of what is a cry for help, put where the schema expects it."""
    named = sources.get(_GUIDE_FILE)
    if not isinstance(named, str):
        return
    file = sources.file.absolute().parent / Path(named).expanduser()
    try:
        parsed = parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        sources.wrong(_GUIDE_FILE, f"there is no file {file}; `hearth example-crisis > {file.name}` writes one")
    except (OSError, UnicodeDecodeError):
        sources.wrong(_GUIDE_FILE, f"the file {file} cannot be read as text; let the user that runs Hearth read it")
    except NotYaml as error:
        sources.mistakes.append(Mistake(str(file), error.line, "", error.what))
    else:
        guide = (*_GUIDE_FILE[:-1], "guide")
        sources.put(_GUIDE_FILE, str(file))
        sources.put(guide, parsed.data)
        sources.overrides[guide] = str(file)


def _not_a_picture(file: Path) -> str | None:
    """What keeps this file from being a room's picture, and what to do; None when it can be one as far as can be seen."""
    if not file.is_file():
        return f"there is no file {file}; put the picture there, or name another one"
    if not os.access(file, os.R_OK):
        return f"the file {file} cannot be read; let the user that runs Hearth read it"
    if file.stat().st_size > MOST_PICTURE_BYTES:
        return f"the file {file} is too large; make the picture smaller than {MOST_PICTURE_BYTES // 1024**2} MB"
    return None


def _read_secrets(sources: _Sources) -> None:
    """Put what the `*_file` keys name beside them."""
    for loc, default in _SECRETS.items():
        if not isinstance(sources.get(loc[:-1]), dict):
            continue
        beside = (*loc[:-1], f"{loc[-1]}_file")
        named, inline = sources.get(beside), sources.get(loc)
        if named is not None and inline is not None:
            sources.wrong(beside, f"{loc[-1]} is given too; keep one of the two")
        if inline is None and (file := _secret_file(sources, named, default)):
            value = _secret(sources, loc if named is None else beside, file, several=loc in _SEVERAL)
            if value is not None:
                sources.put(loc, value)
        elif isinstance(inline, str) and not inline.strip():
            sources.wrong(loc, "is empty; write the secret, or better the file that holds it")


def _secret_file(sources: _Sources, named: Any, default: str | None) -> Path | None:
    if isinstance(named, str):
        return Path(named)
    data_dir = sources.get(("data_dir",))
    return Path(data_dir) / default if default and named is None and isinstance(data_dir, str) else None


def _secret(sources: _Sources, loc: Loc, file: Path, *, several: bool) -> str | None:
    service = "application_service" in loc
    try:
        text = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        cure = "`hearth registration` makes it" if service else "write the secret into it"
        sources.wrong(loc, f"there is no file {file}; {cure}")
    except (OSError, UnicodeDecodeError):
        sources.wrong(loc, f"the file {file} cannot be read; let the user that runs Hearth read it")
    else:
        if text and (several or len(text.splitlines()) == 1):
            return text
        sources.wrong(
            loc, f"the file {file} {'has several lines' if text else 'is empty'}; it should hold only the secret"
        )
    return None
