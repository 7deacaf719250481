"""What the configuration and this machine show without asking anybody: the first half of `hearth check`. Never changes a thing."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from bridge.community import everything
from bridge.config import Config
from bridge.moderation.guide import is_old, languages_without_help, unfinished

MOST_CHILDREN = 50
"""A space seen from another server shows at most so many rooms."""

_LOCAL_HOSTS = ("localhost", "127.", "::1")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. A `hint` works but could be better; a `problem` has to be put right. `cure` says how."""

    state: Literal["ok", "hint", "problem"]
    what: str
    cure: str = ""


def ok(what: str) -> Finding:
    """All is well."""
    return Finding("ok", what)


def offline(config: Config, file: Path) -> Iterator[Finding]:
    """What the configuration and this machine show without asking the homeserver. The file itself was read without mistakes."""
    community = config.community
    yield ok(f"The configuration is complete. Circles: {len(community.circles)}.")
    if not community.owners:
        yield Finding(
            "hint",
            "Nobody is an owner.",
            "Name one below community.owners: they keep the rooms if Hearth is ever lost.",
        )
    if _shown(config) > MOST_CHILDREN:
        yield Finding(
            "hint",
            f"The space holds more than {MOST_CHILDREN} rooms, its districts among them.",
            f"People of other servers see only the first {MOST_CHILDREN} in the space's list. They can enter the others by address.",
        )
    for key, room in everything(config).items():
        if room.welcome and room.history != "shared":
            yield Finding(
                "hint",
                f"Newcomers in {key} cannot read its welcome: they see nothing from before they came.",
                "Let its history be shared, or say it in the topic.",
            )
    address = urlsplit(config.matrix.homeserver)
    if address.scheme == "http" and not (address.hostname or "").startswith(_LOCAL_HOSTS):
        yield Finding(
            "hint", "The homeserver is spoken to without TLS.", "Use its https:// address, or one on this machine."
        )
    webhook = config.membership.webhook if config.membership else None
    if webhook and not webhook.bind.startswith(_LOCAL_HOSTS):
        yield Finding(
            "hint",
            f"Notices of payments are listened for on {webhook.bind}, without TLS: everybody who reaches it can read who pays.",
            "Let membership.webhook.bind be 127.0.0.1, and put a web server with HTTPS in front of it.",
        )
    yield from _crisis(config)
    yield from _private(file, config)
    yield from _data_dir(config.data_dir)


def _crisis(config: Config) -> Iterator[Finding]:
    """Whether the words and help lines for people in danger are looked after."""
    told: Any = config.protections
    guide, cure = (
        told.crisis.guide,
        "`hearth example-crisis > crisis.yaml` writes one to change; name it in protections.crisis.file.",
    )
    if not told.crisis.enabled:
        yield Finding(
            "hint",
            "Nobody is called when somebody sounds as if in danger of their life.",
            "Let protections.crisis.enabled be yes.",
        )
    if told.crisis.file is None:
        yield Finding(
            "hint", "The help lines are those that come with Hearth, and nobody here has looked at them.", cure
        )
    if is_old(guide, datetime.now(UTC).date()):
        yield Finding(
            "hint",
            f"The help lines were last looked at on {guide.reviewed}.",
            "See whether the numbers still hold, and write today's date as `reviewed`.",
        )
    for line in unfinished(guide):
        yield Finding(
            "hint",
            f"A help line has neither a phone nor a page: {line.name} ({line.country}).",
            "Find its number and write it into the file (protections.crisis.file), or remove the line there.",
        )
    languages = {config.language, *(circle.language for circle in config.community.circles if circle.language)}
    for language, what in languages_without_help(guide, languages).items():
        yield Finding(
            "hint", f"There are no {what} for people in danger who speak {language!r}.", "Add some to the file."
        )


def rooms_wanted(config: Config) -> int:
    """How many rooms and spaces are to be made in all: those that the configuration names, and the districts."""
    community = config.community
    return 3 + len(community.rooms) + len(community.circles) + _districts(config)


def _districts(config: Config) -> int:
    """How many districts it takes; none as long as the space itself can show everything."""
    community = config.community
    circles = len(community.circles)
    shown = 1 + len(community.rooms) + circles
    return 0 if shown <= community.district_size else ceil(circles / community.district_size)


def _shown(config: Config) -> int:
    """How many rooms and districts the space itself shows, when all that the configuration names is made."""
    return 1 + len(config.community.rooms) + (_districts(config) or len(config.community.circles))


def _private(file: Path, config: Config) -> Iterator[Finding]:
    matrix, service = config.matrix, config.matrix.application_service
    webhook = config.membership.webhook if config.membership else None
    inline = [
        matrix.access_token if not matrix.access_token_file else None,
        matrix.password if not matrix.password_file else None,
        webhook.secret if webhook and not webhook.secret_file else None,
        config.reports.admin_token if not config.reports.admin_token_file else None,
    ]
    files = [matrix.access_token_file, matrix.password_file, config.reports.admin_token_file]
    files += [file if any(inline) else None]
    files += [webhook.secret_file] if webhook else []
    if service:
        files += [
            service.as_token_file or config.data_dir / "as_token",
            service.hs_token_file or config.data_dir / "hs_token",
        ]
    for path in files:
        if path and path.exists() and path.stat().st_mode & _OTHERS:
            yield Finding("hint", f"Others on this machine can read the secret in {path}.", f"chmod 600 {path}")


def _data_dir(data_dir: Path) -> Iterator[Finding]:
    holder = data_dir
    while not holder.exists() and holder != holder.parent:
        holder = holder.parent
    if not holder.is_dir():
        yield Finding("problem", f"data_dir cannot be made: {holder} is a file.", "Choose another data_dir.")
    elif not os.access(holder, os.W_OK | os.X_OK):
        yield Finding(
            "problem",
            f"Hearth may not write to {holder}.",
            "Run as the user that owns data_dir, or choose another one.",
        )
    elif holder == data_dir and data_dir.stat().st_mode & _OTHERS:
        yield Finding("hint", f"Others on this machine can look into {data_dir}.", f"chmod 700 {data_dir}")
    else:
        yield ok(
            f"The data directory {data_dir} is{' there' if holder == data_dir else ' yet to be made, and can be'}."
        )
