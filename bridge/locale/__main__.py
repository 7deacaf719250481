"""Brings the template and every catalogue up to date with the code, or with `--check` only says what is stale."""

import sys
from pathlib import Path

from bridge.locale.extract import TEMPLATE, as_bytes, catalogues, extracted, merged


def main(arguments: list[str]) -> int:
    """0 when all was (or is now) up to date and translated; 1 when `--check` finds a stale file, or strings are without a translation."""
    template = extracted()
    wanted: list[tuple[Path, bytes]] = [(TEMPLATE, as_bytes(template))]
    missing = 0
    for language, path in catalogues():
        catalogue = merged(language, path, template)
        empty = sum(1 for message in catalogue if message.id and not all(_forms(message.string)))
        missing += empty
        print(f"{language}: {len(catalogue) - empty} of {len(catalogue)} translated")  # noqa: T201 - a tool for a terminal
        wanted.append((path, as_bytes(catalogue)))
    stale = [path for path, data in wanted if not path.is_file() or path.read_bytes() != data]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.name} in {path.parent} is stale: run python -m bridge.locale")  # noqa: T201 - as above
        return 1 if stale or missing else 0
    for path, data in wanted:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return 0


def _forms(string: object) -> tuple[object, ...]:
    return tuple(string) if isinstance(string, list | tuple) else (string,)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
