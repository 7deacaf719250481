"""The commands `protect ...`: what the protections are told, as desired state over the file; never runs one."""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from pydantic import ValidationError

from bridge.arguments import Rest, RoomRef
from bridge.commands import STAFF, command
from bridge.community import PROTECTION
from bridge.config_yaml import NotYaml, parse_value
from bridge.context import Context
from bridge.errors import UsageError
from bridge.moderation.protection import Common, Protection, protections
from bridge.roles import Role
from bridge.store import guards, ledger, settings
from bridge.words import Text, lines, words

MOST_LISTED = 100
NOT_BY_COMMAND = ("file", "guide", "enabled", "dry", "rooms")
"""What the file alone says, and what has commands of its own."""

LINES: Mapping[str, str] = {name: f"`{name}`: {one.help}" for name, one in protections().items()}
"""Each protection's own line, as people read it."""


@command(where=STAFF, role=Role.MODERATOR)
async def protect(ctx: Context) -> Text:
    """Show the protections, and which of them are on."""
    paused = await guards.paused(ctx.db)
    parts = [
        words("- %(line)s %(state)s", line=_own_line(name), state=_value(await _state(ctx, one, paused)))
        for name, one in protections().items()
    ]
    return lines(words("These look at what is said, in this order:"), *parts)


protect = replace(protect, explanation=tuple(LINES.values()))


@command(where=STAFF, role=Role.MODERATOR, name="protect show", examples=("protect show flood",))
async def protect_show(ctx: Context, protection: str) -> Text:
    """Show what one protection is told."""
    one = _meant(protection)
    told = _settings(ctx, one)
    parts = [
        words("- %(setting)s: %(value)s", setting={"code": name}, value={"code": _short(value)})
        for name, value in told.model_dump(mode="json").items()
        if name not in NOT_BY_COMMAND and name != "words"
    ]
    parts += [
        words("- in %(room)s: %(state)s", room={"code": key}, state=_value(_on_or_off(told.holds(key))))
        for key, here in told.rooms.items()
        if isinstance(here, bool) or "enabled" in here
    ]
    parts += [
        words(
            "- in %(room)s, %(setting)s: %(value)s",
            room={"code": key},
            setting={"code": name},
            value={"code": _short(value)},
        )
        for key, here in told.rooms.items()
        if isinstance(here, dict)
        for name, value in here.items()
        if name != "enabled"
    ]
    head = words(
        "%(line)s %(state)s",
        line=_own_line(one.name),
        state=_value(await _state(ctx, one, await guards.paused(ctx.db))),
    )
    how = words("%(command)s changes one of these.", command={"command": f"protect set {one.name} …"})
    return lines(head, *parts, *([how] if parts else []))


@command(where=STAFF, role=Role.MODERATOR, name="protect on", examples=("protect on links", "protect on links #sleep"))
async def protect_on(ctx: Context, protection: str, room: RoomRef | None = None) -> Text:
    """Switch a protection on, everywhere or in one room. A trial ends."""
    return await _switch(ctx, _meant(protection), room, on=True)


@command(
    where=STAFF, role=Role.MODERATOR, name="protect off", examples=("protect off links", "protect off links #sleep")
)
async def protect_off(ctx: Context, protection: str, room: RoomRef | None = None) -> Text:
    """Switch a protection off, everywhere or in one room."""
    return await _switch(ctx, _meant(protection), room, on=False)


@command(where=STAFF, role=Role.MODERATOR, name="protect try", examples=("protect try links",))
async def protect_try(ctx: Context, protection: str) -> Text:
    """Let a protection only count what it would do, and do nothing."""
    one = _meant(protection)
    await guards.begin_trial(ctx.db, one.name)
    await _decide(ctx, one, "try", enabled=True, dry=True)
    return words(
        "%(protection)s is on trial: it does nothing, and counts what it would do. %(show)s tells how often, %(on)s ends the trial.",
        protection={"code": one.name},
        show={"command": f"protect show {one.name}"},
        on={"command": f"protect on {one.name}"},
    )


@command(where=STAFF, role=Role.MODERATOR, name="protect resume", examples=("protect resume flood",))
async def protect_resume(ctx: Context, protection: str) -> Text:
    """Let a protection go on that paused because it acted too often."""
    one = _meant(protection)
    if not await guards.resume(ctx.db, one.name):
        raise UsageError(words("%(protection)s does not pause.", protection={"code": one.name}))
    await _write_down(ctx, one, "resume")
    return words("%(protection)s goes on.", protection={"code": one.name})


@command(
    where=STAFF, role=Role.MODERATOR, name="protect set",
    examples=("protect set flood limit 30", "protect set links allowed [example.org, example.net]"),
)  # fmt: skip
async def protect_set(ctx: Context, protection: str, setting: str, value: Rest) -> Text:
    """Tell a protection something else. A list is written in brackets."""
    one = _meant(protection)
    checked = _checked(one, setting, value)
    await _decide(ctx, one, "set", **{setting: checked})
    shown = {"code": _short(checked)}
    return words("%(setting)s of %(protection)s is %(value)s now.", setting={"code": setting}, protection={"code": one.name}, value=shown)  # fmt: skip


@command(
    where=STAFF, role=Role.MODERATOR, name="protect set in", examples=("protect set in #sleep flood limit 10",)
)  # fmt: skip
async def protect_set_in(ctx: Context, room: RoomRef, protection: str, setting: str, value: Rest) -> Text:
    """Tell a protection something else in one room."""
    one = _meant(protection)
    checked, told = _checked(one, setting, value), _settings(ctx, one)
    before = told.rooms.get(room.key, {})
    here = {"enabled": before} if isinstance(before, bool) else before
    await _decide(ctx, one, f"set in {room.key}", rooms={**told.rooms, room.key: {**here, setting: checked}})
    where = {"room": room.room, "name": f"#{room.tag}" if room.tag else room.key}
    return words("%(setting)s of %(protection)s is %(value)s now in %(room)s.", setting={"code": setting}, protection={"code": one.name}, value={"code": _short(checked)}, room=where)  # fmt: skip


def _checked(one: Protection, setting: str, value: str) -> Any:
    """The value of a setting as it is kept; UsageError when the protection has none like it, or it cannot be that."""
    known = [name for name in one.settings.model_fields if name not in NOT_BY_COMMAND]
    if setting not in known:
        raise UsageError(
            words(
                "%(protection)s knows no such setting. It knows: %(known)s",
                protection={"code": one.name},
                known={"list": [{"code": name} for name in known]},
            )
        )
    try:
        raw: Any = parse_value(value) if value.strip().startswith(("[", "{")) else value.strip()
        checked = one.settings.model_validate({setting: raw})
    except (NotYaml, ValidationError):
        description = one.settings.model_fields[setting].description or ""
        raise UsageError(
            words(
                "%(setting)s cannot be that. It is: %(description)s", setting={"code": setting}, description=description
            )
        ) from None
    return checked.model_dump(mode="json")[setting]


@command(where=STAFF, role=Role.MODERATOR, name="protect words")
async def protect_words(ctx: Context) -> Text:
    """Show the words and patterns that are not wanted here."""
    listed = _settings(ctx, protections()["words"]).model_dump()["words"]
    if not listed:
        return words("The list is empty. %(command)s adds to it.", command={"command": "protect words add …"})
    shown = [{"code": word} for word in listed[:MOST_LISTED]]
    more = [words("- and %(number)s more", number=len(listed) - MOST_LISTED)] if len(listed) > MOST_LISTED else []
    return lines(words("On the list: %(words)s", words={"list": shown}), *more)


@command(where=STAFF, role=Role.MODERATOR, name="protect words add", examples=("protect words add casino*",))
async def protect_words_add(ctx: Context, pattern: Rest) -> Text:
    """Put a word or a pattern on the list of what is not wanted here.

    `*` stands for any letters of a word, `?` for one letter, `...` between words for up to four words.
    """
    one, word = protections()["words"], " ".join(pattern.split())
    listed = list(_settings(ctx, one).model_dump()["words"])
    if word in listed:
        raise UsageError(words("%(word)s is on the list already.", word={"code": word}))
    if sum(letter.isalnum() for letter in word) < 2 or len(word) > 200:
        raise UsageError(
            words("That cannot be found in a text. Write a word of at least two letters, or several words.")
        )
    try:
        one.settings.model_validate({"words": [*listed, word]})
    except ValidationError:
        full = words("The list is full. %(command)s makes room.", command={"command": "protect words remove …"})
        raise UsageError(full) from None
    await _decide(ctx, one, "words add", words=[*listed, word])
    return words("%(word)s is on the list now.", word={"code": word})


@command(where=STAFF, role=Role.MODERATOR, name="protect words remove", examples=("protect words remove casino*",))
async def protect_words_remove(ctx: Context, pattern: Rest) -> Text:
    """Take a word or a pattern off the list."""
    one, word = protections()["words"], " ".join(pattern.split())
    listed = list(_settings(ctx, one).model_dump()["words"])
    if word not in listed:
        raise UsageError(words("%(word)s is not on the list. %(command)s shows it.", word={"code": word}, command={"command": "protect words"}))  # fmt: skip
    await _decide(ctx, one, "words remove", words=[each for each in listed if each != word])
    return words("%(word)s is off the list.", word={"code": word})


def _meant(name: str) -> Protection:
    found = protections().get(name.casefold().replace(" ", "_").replace("-", "_"))
    if found is None:
        near = difflib.get_close_matches(name.casefold(), protections(), n=1, cutoff=0.5)
        known = {"list": [{"code": each} for each in (near or protections())]}
        raise UsageError(words("There is no such protection. Perhaps: %(known)s", known=known))
    return found


def _settings(ctx: Context, one: Protection) -> Common:
    found: Common = getattr(ctx.config.protections, one.name)
    return found


async def _switch(ctx: Context, one: Protection, room: RoomRef | None, *, on: bool) -> Text:
    name = {"code": one.name}
    if room is None:
        await _decide(ctx, one, "on" if on else "off", enabled=on, dry=False)
        return (
            words("%(protection)s is on now.", protection=name)
            if on
            else words("%(protection)s is off now.", protection=name)
        )
    before = _settings(ctx, one).rooms.get(room.key)
    now = {**before, "enabled": on} if isinstance(before, dict) else on
    here = {**_settings(ctx, one).rooms, room.key: now}
    await _decide(ctx, one, f"{'on' if on else 'off'} in {room.key}", rooms=here)
    where = {"room": room.room, "name": f"#{room.tag}" if room.tag else room.key}
    if on:
        return words("%(protection)s is on now in %(room)s.", protection=name, room=where)
    return words("%(protection)s is off now in %(room)s.", protection=name, room=where)


async def _decide(ctx: Context, one: Protection, action: str, **fields: Any) -> None:
    """Write it down: from the next event on it is so."""
    cause = await _write_down(ctx, one, action)
    for field, value in fields.items():
        await settings.decide(ctx.db, f"{PROTECTION}{one.name}", field, value, cause, ctx.scene.now_ms, is_so=True)


async def _write_down(ctx: Context, one: Protection, action: str) -> int:
    cause = await ledger.write(
        ctx.db,
        ctx.sender,
        f"protect {action}",
        one.name,
        None,
        one.name,
        ctx.event.room,
        ctx.event.id,
        ctx.scene.now_ms,
    )
    await ledger.settle(ctx.db, cause, {"done": 0}, ctx.scene.now_ms)
    return cause


async def _state(ctx: Context, one: Protection, paused: Mapping[str, int]) -> Text:
    """Whether it is on, as a few words in brackets."""
    told = _settings(ctx, one)
    if one.name in paused:
        return words("(pauses since %(time)s)", time={"time_ms": paused[one.name], "zone": ctx.config.zone})
    if told.enabled and told.dry:
        counted = await guards.trial(ctx.db, one.name)
        done = {"list": [f"{act} {number}" for act, number in counted.items()]}
        return (
            words("(on trial; would have done: %(done)s)", done=done)
            if counted
            else words("(on trial; would have done nothing)")
        )
    return _on_or_off(told.enabled)


def _on_or_off(on: bool) -> Text:
    return words("(on)") if on else words("(off)")


def _own_line(name: str) -> dict[str, Any]:
    return {"text": asdict(Text(LINES[name]))}


def _value(text: Text) -> dict[str, Any]:
    return {"text": asdict(text)}


def _short(value: Any) -> str:
    """A value on one line, cut where it is long."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
