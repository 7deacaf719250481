"""Somebody may be in danger of their life: they get help lines privately, and people are called until one answers. Never hides, never punishes, and keeps no trace of the person once it is settled.

Who answers is a curator of the circle, by reaction in their direct room, or anybody of staff, on the case in the staff room.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from bridge import cases
from bridge.cases import Kind
from bridge.community import circle_by_key
from bridge.context import language_of
from bridge.effects import Put, Say, Tell
from bridge.events import AnyEvent
from bridge.moderation import reporters
from bridge.moderation.guide import Guide, HelpLine, country_of, is_old, lines_for, unfinished
from bridge.scene import Scene
from bridge.store import authority, ledger, people, queue, rooms
from bridge.store import cases as store
from bridge.store.cases import Case
from bridge.words import Text, lines, words

CRISIS = "crisis"
"""The protection, the kind of case, and what the clock calls its deadline."""

CARE = "care"
"""What the ledger calls it."""

AGAIN_MS = 6 * 60 * 60 * 1000
"""Nobody is sent the help lines more often than this."""

MINUTE_MS = 60_000


async def begin(scene: Scene, event: AnyEvent, settings: Any, key: str) -> None:
    """Call people, and give the author the help lines. A second message of the same person, while the first is open, is the same case."""
    author = event.sender
    number = None
    if await store.open_about(scene.db, CRISIS, author) is None:
        say = await authority.named(scene.db, scene.config)
        called = settings.on_call or say.moderators or scene.config.community.owners
        name = f"{CRISIS}/{event.id}"
        number = await cases.show(scene, KINDS, name, CRISIS, author, event.room, mentions=tuple(called))
    entry = await ledger.write(
        scene.db, scene.me, CARE, f"case {number}" if number else CRISIS, None, CRISIS, None, None, scene.now_ms
    )
    before = len(scene.puts)
    await _help(scene, author, settings.guide, entry)
    case = await store.get(scene.db, number) if number is not None else None
    if case is not None:
        alarm = _alarm(_what({"user": author}, event.id, event.room, bool(key)))
        for curator in await curators_of(scene, author, key):
            await cases.tell(scene, case, f"{CRISIS}/{number}", curator, alarm, entry)
    if len(scene.puts) == before:
        await ledger.settle(scene.db, entry, {"done": 0}, scene.now_ms)


async def _help(scene: Scene, author: str, guide: Guide, entry: int) -> None:
    key = f"{CRISIS}/help/{author}/{scene.now_ms // AGAIN_MS}"
    if await queue.get(scene.db, key) is not None:
        return
    language = await language_of(scene, author)
    person = await people.get(scene.db, author)
    country = country_of(person.zone or scene.config.zone, _zones())
    text = help_text(lines_for(guide, country, language))
    scene.puts.append(Put(Tell(key=key, user=author, text=text, language=language, insist=True), intent=entry))


def help_text(known: tuple[HelpLine, ...]) -> Text:
    """What somebody reads who may be in danger: kind words, whom to call, and that people have been told."""
    parts = [
        words("What you wrote sounds very hard, and it is good that you wrote it. You are not alone with it: I have told people here, and they will write to you."),
    ]  # fmt: skip
    if known:
        parts.append(words("If you would like to talk to somebody right now:"))
        parts += [
            words("- **%(name)s**: %(how)s", name=line.name, how=", ".join(filter(None, (line.phone, line.web))))
            for line in known
        ]
    parts += [
        words("If your life is in danger right now, please call the emergency number where you are: 112 in most of Europe, 911 in North America."),
        words("I am only a program, and perhaps I misunderstood you. Then please forgive me; nothing follows from it for you."),
    ]  # fmt: skip
    return lines(*parts)


@cache
def _zones() -> str:
    """Which time zone is in which country: a table of the time zone database, which comes with Python's `tzdata`."""
    return (resources.files("tzdata.zoneinfo") / "zone.tab").read_text(encoding="utf-8")


async def curators_of(scene: Scene, author: str, key: str) -> tuple[str, ...]:
    """Who looks after the circle with this key, where it was written; elsewhere, after the circles of who wrote it. Never that person themselves."""
    keys = [key]
    if circle_by_key(scene.config, key) is None:
        mine = set(await people.rooms_of(scene.db, author))
        keys = [room.key for room in await rooms.in_use(scene.db) if room.room in mine and room.kind == "circle"]
    found = [circle for each in keys if (circle := circle_by_key(scene.config, each))]
    say = await authority.named(scene.db, scene.config)
    return tuple(dict.fromkeys(user for circle in found for user in say.leads(circle) if user != author))


def _what(who: dict[str, Any], event: str, room: str | None, ours: bool) -> Text:
    """What happened, in one sentence."""
    if not ours:
        return words(
            "%(who)s wrote to me alone something that sounds like danger to life. Nobody else can read it there.",
            who=who,
        )
    return words(
        "%(who)s wrote something that sounds like danger to life: %(event)s",
        who=who,
        event={"event": event, "room": room},
    )


def _alarm(what: Text) -> Text:
    return lines(
        what,
        words("I gave them help lines privately, and told staff. Please write to them now: that somebody is there helps most. You need not solve anything, nor ask where they are."),
        words("React with 👍 to say that you are with them, or with 👎 if it is a false alarm."),
    )  # fmt: skip


# --- the case ------------------------------------------------------------------------------------------------------------------------


def _event_of(case: Case) -> str:
    return case.key.removeprefix(f"{CRISIS}/")


async def _about(scene: Scene, case: Case) -> Text:
    now = await store.get(scene.db, case.id)
    if now is None or now.state != "open":
        return words("Something sounded like danger to life.")
    ours = case.room is not None and await rooms.by_id(scene.db, case.room) is not None
    return _what({"user": case.subject, "with_id": True}, _event_of(case), case.room, ours)


async def _forget(scene: Scene, case: Case, _actor: str, _entry: int) -> None:
    """Somebody is there, or it was nothing: in either case nothing is kept of whom it was about."""
    await reporters.tell_outcome(scene, case)
    await store.forget(scene.db, case.id)


PLEASE = words("Please write to them now, and react to the case with 👍.")
PLEASE_ALONE = words(
    "Please write to them now, or find somebody who does. React with 👍 to say that you are with them, or with 👎 if it is a false alarm."
)

KINDS: Mapping[str, Kind] = {
    CRISIS: Kind(
        about=_about,
        question=words(
            "I gave them help lines privately and told whoever looks after their circle. Please write to them now. Yes says that you are with them, no that it is a false alarm."
        ),
        accept=_forget,
        refuse=_forget,
        nameless=True,
        term_ms=lambda config: getattr(config.protections, CRISIS).answer_minutes * MINUTE_MS,
        please=PLEASE,
        please_alone=PLEASE_ALONE,
    )
}
"""The kind of case that is looked after here."""


async def done(scene: Scene, entry: ledger.Entry) -> None:
    """What was to be told is told; staff hears when somebody could not be reached."""
    rows = await queue.of_intent(scene.db, entry.id)
    dead = [row for row in rows if row.state == "dead"]
    await ledger.settle(scene.db, entry.id, {"done": len(rows) - len(dead), "refused": len(dead)}, scene.now_ms)
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None and dead:
        text = words("I could not write privately to everybody because of %(case)s: the homeserver refused it. Please look after them yourselves.", case=entry.target)  # fmt: skip
        key = f"{CRISIS}/unreached/{entry.id}"
        scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


INTENT_DONE = {CARE: done}
"""By the ledger's action: what happens when the last effect of it is settled."""


async def remind(scene: Scene) -> None:
    """Staff hears once a month of a file that nobody has looked at for too long, and of lines that tell nobody anything."""
    guide: Guide = getattr(scene.config.protections, CRISIS).guide
    today = datetime.fromtimestamp(scene.now_ms / 1000, UTC).date()
    staff = await rooms.by_key(scene.db, "staff")
    if staff is None or not is_old(guide, today):
        return
    parts = [
        words("The help lines and words for people in danger were last looked at on %(date)s. Please see whether the numbers still hold, and write today's date as “reviewed” into the file (protections.crisis.file).", date={"date": guide.reviewed.isoformat()}),
    ]  # fmt: skip
    if empty := unfinished(guide):
        parts.append(words("These lines have neither a phone nor a page, so I tell them to nobody: %(names)s", names={"list": [line.name for line in empty]}))  # fmt: skip
    key = f"{CRISIS}/review/{today:%Y-%m}"
    scene.puts.append(Put(Say(key=key, room=staff.room, text=lines(*parts), language=scene.config.language)))
