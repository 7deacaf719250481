"""Runs the protections over an event, and puts what follows from a finding; never decides what is one, and keeps nothing of what was said.

Everything is in the ledger before it is done: which rule, what matched, what is asked for. Who is staff is exempt; who is new here, and how much
somebody wrote, is asked of the database, so that a restart forgives nobody.
"""

from typing import Any

from bridge.effects import Put, Say
from bridge.events import AnyEvent, Edited, MemberChanged, Message
from bridge.moderation import care, findings, holding, leads, react
from bridge.moderation.findings import Found
from bridge.moderation.judge import ASKED, ON
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Common, Protection, Trust, protections
from bridge.moderation.surface import surfaces
from bridge.scene import Scene
from bridge.store import authority, failures, guards, ledger, people, rooms
from bridge.tags import fold
from bridge.times import DAY_MS
from bridge.words import in_a_room, words


async def look(scene: Scene, event: AnyEvent) -> bool:
    """Look at one event; whether it is to be removed, so that nothing else should come of it. All that follows is appended to `scene.puts`."""
    if not isinstance(event, Message | Edited | MemberChanged) or event.sender == scene.me:
        return False
    if isinstance(event, MemberChanged) and (event.membership != "join" or event.user == scene.me):
        return False
    who = event.user if isinstance(event, MemberChanged) else event.sender
    told: Any = scene.config.protections
    window_ms = await _window_ms(scene, event.room, told.flood)
    known = await guards.known(
        scene.db,
        event.room,
        who,
        enough=told.trusted_posts,
        since_ms=scene.now_ms - window_ms,
        sent_since_ms=min(event.at_ms, scene.now_ms) - window_ms,
    )
    if known is None:
        await _look_in_private(scene, event, told)
    if known is None or known.kind == "staff":
        return False
    found = await _found(scene, event, await _facts(scene, event, known, told))
    if found:
        await findings.act(scene, event, who, found)
    return any(Act.REDACT in each.finding.acts for each in found)


async def _window_ms(scene: Scene, room_id: str, flood: Any) -> int:
    """Within what time messages are counted in this room."""
    if any(isinstance(here, dict) and "seconds" in here for here in flood.rooms.values()):
        room = await rooms.by_id(scene.db, room_id)
        flood = flood.at(room.key) if room else flood
    return int(flood.seconds) * 1000


async def _look_in_private(scene: Scene, event: AnyEvent, told: Any) -> None:
    """A cry for help in somebody's direct room with us is heard, too: nobody else reads it there."""
    settings = getattr(told, care.CRISIS)
    if not isinstance(event, Message | Edited) or not settings.enabled:
        return
    facts = Facts(key="", kind="direct", now_ms=scene.now_ms)
    if await _asked(scene, protections()[care.CRISIS], event, settings, facts) is None:
        return
    person = await people.by_direct_room(scene.db, event.room)
    if person is not None and person.user == event.sender and not settings.dry:
        await holding.free_for_help(scene, event.sender)
        await care.begin(scene, event, settings, facts.key)


async def _found(scene: Scene, event: AnyEvent, facts: Facts) -> list[Found]:
    """What the protections found that may act on it, in their order, up to the first that has something removed."""
    told: Any = scene.config.protections
    found: list[Found] = []
    for rule in protections().values():
        settings: Common = getattr(told, rule.name).at(facts.key)
        if (
            not isinstance(event, rule.looks_at)
            or not settings.holds(facts.key)
            or (facts.staff and not rule.everybody)
        ):
            continue
        finding = await _asked(scene, rule, event, settings, facts)
        if finding is None or not finding.acts:
            continue
        if settings.dry:
            await guards.would(scene.db, rule.name, [act.value for act in finding.acts], scene.now_ms)
        elif rule.name == care.CRISIS:
            await holding.free_for_help(scene, event.sender)
            await care.begin(scene, event, settings, facts.key)
            scene.urgent = True
            return []  # whatever else it may be: it is not hidden, and nobody is punished for it
        elif await findings.is_known(scene, event, rule.name, finding):
            continue
        elif not rule.pauses or await _may(scene, rule.name, told.most_a_minute):
            found.append(Found(rule.name, finding))
            if Act.REDACT in finding.acts:
                break
    return found


async def _asked(scene: Scene, rule: Protection, event: AnyEvent, settings: Common, facts: Facts) -> Finding | None:
    """What one protection finds. One that crashes is a mistake of ours: staff hears of it, and the others are asked all the same."""
    try:
        return rule(event, settings, facts)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not keep a cry for help from being heard
        await failures.record(scene.db, event.id, event.room, error, scene.now_ms)
        return None


async def _facts(scene: Scene, event: Message | Edited | MemberChanged, known: guards.Known, told: Any) -> Facts:
    """Everything that protections may ask for; what costs a query of its own only where it can matter."""
    community = scene.config.community
    who = event.user if isinstance(event, MemberChanged) else event.sender
    staff = known.staff or who in (*community.owners, *community.moderators)
    staff = staff and not await authority.has_ended(scene.db, scene.config, who)
    trusted = is_trusted(known, told, scene.now_ms)
    more: dict[str, Any] = {}
    if isinstance(event, MemberChanged):
        if told.join_wave.holds(known.key) and event.was != "join":
            since_ms = scene.now_ms - told.join_wave.at(known.key).minutes * 60_000
            more["arrivals"] = 1 + await guards.arrivals(scene.db, event.room, since_ms)
        if told.look_alike.holds(known.key) and event.display_name:
            alike = scene.names.like(event.display_name) - {who}
            more |= {"alike": alike, "guarded": await react.protected(scene) if alike else frozenset()}
    elif not staff:
        if told.repeated.holds(known.key) and not trusted:
            more |= await _said_again(scene, event, told.repeated.at(known.key))
        led = leads.rooms(event.content) if told.listed_rooms.holds(known.key) else frozenset()
        if led or told.links.holds(known.key):
            ours = await rooms.all_rooms(scene.db)
            more["rooms"] = frozenset({name.casefold() for room in ours for name in (room.room, room.alias) if name})
            led = frozenset(room for room in led if room.casefold() not in more["rooms"])
        if led:
            found = await scene.watched.naming(scene.db, led, (ON, ASKED))
            followed = any(each.state == ON for each in found)
            more["listed"] = "followed" if followed else "asked" if found else ""
    return Facts(
        key=known.key,
        kind=known.kind,
        now_ms=scene.now_ms,
        me=scene.me,
        staff=staff,
        since_ms=known.since_ms,
        posts=known.posts,
        trusted=trusted,
        recent=known.recent,
        tags=frozenset(fold(circle.tag) for circle in community.circles),
        **more,
    )


def is_trusted(known: guards.Known, told: Trust, now_ms: int) -> bool:
    """Whether somebody has been here long enough, and wrote enough."""
    here = known.since_ms is not None and now_ms - known.since_ms >= told.trusted_days * DAY_MS
    return here and known.posts >= told.trusted_posts


async def _said_again(scene: Scene, event: Message | Edited, settings: Any) -> dict[str, int]:
    text = max((surface.text for surface in surfaces(event.content)), key=len, default="")
    if sum(letter.isalnum() for letter in text) < settings.shortest:
        return {}
    in_rooms, people = await guards.said_again(
        scene.db, scene.names.fingerprint(text), event=event.id, user=event.sender, room=event.room,
        since_ms=scene.now_ms - settings.minutes * 60_000, now_ms=scene.now_ms,
    )  # fmt: skip
    return {"same_rooms": in_rooms, "same_people": people}


async def _may(scene: Scene, rule: str, most: int) -> bool:
    """Whether a protection may act; one that did so too often pauses, and staff hears of it once."""
    state = await guards.acts(scene.db, rule, most, scene.now_ms)
    staff = await rooms.by_key(scene.db, "staff") if state == "pauses" else None
    if state == "pauses":
        entry = await ledger.write(scene.db, scene.me, "pause", rule, None, rule, None, None, scene.now_ms)
        await ledger.settle(scene.db, entry, {"done": 0}, scene.now_ms)
    if staff is not None:
        text = words(
            "The protection %(rule)s acted more than %(most)s times within a minute, so it pauses now and does nothing. Please look whether something is going on. %(command)s lets it go on.",
            rule={"code": rule},
            most=most,
            command={"command": f"protect resume {rule}"},
        )
        key = f"protect/paused/{rule}/{scene.now_ms}"
        say = await authority.named(scene.db, scene.config)
        called = say.moderators or scene.config.community.owners
        scene.puts.append(
            Put(Say(key=key, room=staff.room, text=in_a_room(text), language=scene.config.language, mentions=called))
        )
    return state == "acts"


async def tick(scene: Scene) -> None:
    """What was said by newcomers is not known for longer than it can matter."""
    told: Any = scene.config.protections
    await guards.forget_repeats(scene.db, scene.now_ms - told.repeated.minutes * 60_000)
