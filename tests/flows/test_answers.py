"""Commands from the message to the outbox, on a real database, without a homeserver."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge import answer, registry, speak
from bridge.arguments import Rest, User
from bridge.catalogues import spellings
from bridge.commands import CIRCLE, DIRECT, STAFF, Book, command
from bridge.config import Config
from bridge.context import Context, Reply, later_answer
from bridge.effects import Leave, Put, React, Say, Send, Tell, load
from bridge.errors import UsageError
from bridge.events import COPY_MARK, Content, MemberChanged, Message
from bridge.roles import Role
from bridge.scene import Desk, Scene
from bridge.store import failures, journal, people, queue, rooms
from bridge.store.db import Connection, Database
from bridge.store.rooms import Room
from bridge.text import render
from bridge.words import Text, words

ME, ANN, MOD, CURA, EVE = "@hearth:one.test", "@ann:one.test", "@mod:one.test", "@cura:one.test", "@eve:two.test"
STAFF_ROOM, SLEEP, GRIEF, COMMON, ANNS = "!staff", "!sleep", "!grief", "!common", "!ann-direct"
NOW_MS = 1_767_340_800_000

CONFIG = Config.model_validate(
    {
        "matrix": {"homeserver": "https://one.test", "user_id": ME},
        "community": {
            "space": {"name": "Space"},
            "common": {"name": "Common room"},
            "staff": {"name": "Staff"},
            "circles": [
                {"name": "Sleeping well", "tag": "sleep", "curators": [CURA]},
                {"name": "Grief", "tag": "grief"},
            ],
        },
    }
)


class Names:
    def of(self, user: str) -> str:
        return {ME: "Hearth", ANN: "Ann", EVE: "Eve"}.get(user, user[1:].partition(":")[0])

    def find(self, name: str) -> Sequence[str]:
        return [user for user in (ANN, EVE) if self.of(user).casefold() == name.casefold()]


@command(where=STAFF, role=Role.MODERATOR)
async def ban(ctx: Context, who: User, reason: Rest = Rest("")) -> Reply:
    """Ban somebody."""
    await people.change(ctx.db, who.id, consent=False)
    ctx.scene.puts.append(Put(Leave(key=f"leave/{ctx.event.id}", room="!x")))
    if reason == "wrong":
        raise UsageError(words("That is wrong."))
    if reason == "crash":
        raise RuntimeError(reason)
    return Reply(puts=(Put(Leave(key=f"more/{ctx.event.id}", room="!x")),), done=False)


@command(where=CIRCLE | DIRECT, role=Role.CURATOR)
async def tend(ctx: Context) -> Text:
    """Tend a circle."""
    return words("Curates: %(sleep)s", sleep=str(ctx.curates("sleep")))


@command(where=CIRCLE | DIRECT, role=Role.CURATOR, name="tend now")
async def tend_now(ctx: Context) -> None:
    """Tend it at once."""


@command(where=CIRCLE, public=True)
async def count(ctx: Context) -> Text:
    """Count."""
    return words("%(rooms)s rooms, here %(circle)s", rooms=len(ctx.rooms), circle=ctx.circle.tag if ctx.circle else "")


REAL = registry.load("bridge.rooms.commands")
ALL = {one.name: one for one in (ban, tend, tend_now, count)} | {
    name: one for name, one in REAL.commands.items() if name in {"help", "language", "timezone"}
}
BOOK = Book(ALL, spellings(ALL, "command"))


@dataclass
class World:
    database: Database
    counter: int = 0

    @asynccontextmanager
    async def scene(self) -> AsyncIterator[Scene]:
        async with self.database.writing() as db:
            yield Scene(db, CONFIG, ME, NOW_MS, Names())

    async def say(self, room: str, sender: str, body: str, **more: Any) -> list[Any]:
        """The effects that follow from a message, in their order."""
        self.counter += 1
        formatted, msgtype = more.pop("formatted", None), more.pop("msgtype", "m.text")
        event = Message(f"${self.counter}", room, sender, NOW_MS, Content(msgtype, body, formatted), **more)
        async with self.scene() as scene:
            person = await people.by_direct_room(scene.db, room)
            await answer.answer(scene, event, direct=person is not None and person.user == sender, book=BOOK)
            return [put.effect for put in scene.puts]

    async def told(self, room: str, sender: str, body: str, **more: Any) -> str:
        """The one text that comes back."""
        texts = [one for one in await self.say(room, sender, body, **more) if isinstance(one, Say | Tell)]
        assert len(texts) == 1
        return render(texts[0].text, texts[0].language, Names()).body


async def _join(db: Connection, room: str, *users: str) -> None:
    for user in users:
        event = MemberChanged(f"$join/{room}/{user}", room, user, 1, user=user, membership="join")
        await journal.remember(db, event, frozenset(), 1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = await Database.open(tmp_path / "hearth.db")
    async with database.writing() as db:
        for number, (room, key) in enumerate(
            [
                ("!space", "space"),
                (STAFF_ROOM, "staff"),
                (COMMON, "common"),
                (SLEEP, "circle/sleep"),
                (GRIEF, "circle/grief"),
            ]
        ):
            kind, _, tag = key.partition("/")
            await rooms.add(
                db,
                Room(room=room, key=key, kind=kind, tag=tag or None, encrypted=False, history="shared", made_ms=number),
            )
        await _join(db, STAFF_ROOM, MOD)
        await _join(db, COMMON, ANN, CURA, MOD)
        await _join(db, SLEEP, ANN, CURA)
        await _join(db, GRIEF, ANN, CURA)
        await people.change(db, ANN, direct_room=ANNS)
    yield World(database)
    await database.close()


async def test_a_command_in_the_direct_room_needs_no_prefix(world: World) -> None:
    for body in (
        "language de",
        "!language de",
        "!h language de",
        "!hearth language de",
        "Hearth: language de",
        f"{ME} language de",
    ):
        done, said = await world.say(ANNS, ANN, body)
        assert done == React(key=f"done/${world.counter}", room=ANNS, event=f"${world.counter}", emoji="✅")
        assert isinstance(said, Say)
        assert (said.key, said.room, said.language) == (f"answer/${world.counter}", ANNS, "de")
    async with world.database.reading() as db:
        assert (await people.get(db, ANN)).language == "de"


async def test_in_rooms_only_what_speaks_to_us_is_heard(world: World) -> None:
    for body in ("help", "count", "so !count", "!dance", "! ", "hearth help", "**!count**", "!"):
        assert await world.say(SLEEP, ANN, body) == []
    pill = f'<a href="https://matrix.to/#/{ME}">Hearth</a>: count'
    for body, formatted in (("!count", None), ("!h count", None), ("Hearth: count", None), ("Hearth count", pill)):
        assert len(await world.say(SLEEP, ANN, body, formatted=formatted)) == 2, body


async def test_what_is_not_a_persons_plain_text_is_never_heard(world: World) -> None:
    assert await world.say(ANNS, ANN, "help", msgtype="m.notice") == []
    assert await world.say(ANNS, ANN, "help", marked=True) == []
    assert await world.say(ANNS, ME, "help") == []
    assert await world.say("!elsewhere", ANN, "!help") == []
    assert await world.say(ANNS, ANN, "   ") == []


async def test_a_quoted_fallback_is_no_part_of_the_command(world: World) -> None:
    body = "> <@hearth:one.test> !count\n> more\n\nlanguage ru"
    assert "русский" in await world.told(ANNS, ANN, body, reply_to="$x")


async def test_an_answer_that_concerns_one_person_goes_to_that_person(world: World) -> None:
    _, told = await world.say(SLEEP, ANN, "!timezone Berlin")
    assert isinstance(told, Tell)
    assert told.user == ANN
    _, said = await world.say(SLEEP, ANN, "!count", thread="$root")
    assert isinstance(said, Say)
    assert (said.room, said.thread, said.reply_to) == (SLEEP, "$root", f"${world.counter}")
    assert render(said.text, "en", Names()).body == "5 rooms, here sleep"


async def test_work_that_takes_its_time_is_seen_now_and_answered_later(world: World) -> None:
    effects = await world.say(STAFF_ROOM, MOD, "!ban Eve spam")
    assert [effect.key for effect in effects] == ["seen/$1", "leave/$1", "more/$1"]
    assert effects[0].emoji == "👀"
    async with world.scene() as scene:
        staff = await later_answer(scene, "$1", STAFF_ROOM, MOD, words("Done."))
        circle = await later_answer(scene, "$2", SLEEP, ANN, words("Done."), done=False)
    assert [put.effect for put in staff] == [
        React(key="done/$1", room=STAFF_ROOM, event="$1", emoji="✅"),
        Say(key="answered/$1", room=STAFF_ROOM, text=words("Done."), language="en", reply_to="$1"),
    ]
    assert [put.effect for put in circle] == [Tell(key="answered/$2", user=ANN, text=words("Done."), language="en")]


async def test_a_mistake_undoes_everything_and_says_so(world: World) -> None:
    (said,) = await world.say(STAFF_ROOM, MOD, "!ban Eve wrong")
    assert (said.room, said.reply_to) == (STAFF_ROOM, "$1")
    assert said.text == words("That is wrong.")
    async with world.database.reading() as db:
        assert (await people.get(db, EVE)).consent is None


async def test_a_crash_undoes_everything_is_set_aside_and_the_person_hears_of_it(world: World) -> None:
    assert (await world.told(STAFF_ROOM, MOD, "!ban Eve crash")).startswith("Something went wrong on my side")
    async with world.database.reading() as db:
        assert (await people.get(db, EVE)).consent is None
        (failure,) = await failures.newest(db, 10)
    assert (failure.event, failure.error) == ("$1", "RuntimeError")


async def test_roles_and_places_are_kept(world: World) -> None:
    assert await world.told(SLEEP, ANN, "!ban Eve") == "ban is for moderators."
    assert await world.told(COMMON, MOD, "!ban Eve") == "You can use ban here: the staff room."
    assert await world.told(ANNS, ANN, "count") == "You can use count here: a circle."


async def test_a_curators_power_ends_at_the_circle(world: World) -> None:
    assert await world.told(SLEEP, CURA, "!tend") == "Curates: True"
    assert await world.told(GRIEF, CURA, "!tend") == "tend is for curators, in their own circle."
    async with world.database.writing() as db:
        await people.change(db, CURA, direct_room="!cura")
    assert await world.told("!cura", CURA, "tend") == "Curates: True"


async def test_a_mistyped_command_finds_its_neighbour(world: World) -> None:
    assert "Perhaps: timezone Berlin\n" in await world.told(ANNS, ANN, "timezon Berlin")
    assert "Perhaps: timezone\n" in await world.told(ANNS, ANN, "timezon which is it now here")
    assert "Perhaps: timezone Berlin\n" in await world.told(SLEEP, ANN, "!timezon Berlin")
    assert "Perhaps: !ban @eve:two.test\n" in await world.told(STAFF_ROOM, MOD, "!bann @eve:two.test")
    assert (
        await world.told(ANNS, ANN, "blorp") == "I did not understand that, sorry.\n\nWrite help to see what I can do."
    )
    assert "help" in await world.told(ANNS, ANN, "!h")
    wrong = await world.told(ANNS, ANN, "timezone Europe/Berln")
    assert "Perhaps: Europe/Berlin" in wrong
    assert wrong.endswith("Write it like this: timezone [time zone], for example timezone Europe/Berlin")


async def test_what_concerns_one_person_is_not_said_in_the_staff_room(world: World) -> None:
    (answered,) = [one for one in await world.say(STAFF_ROOM, MOD, "!timezone") if isinstance(one, Say | Tell)]
    assert isinstance(answered, Tell)
    assert answered.user == MOD
    (wrong,) = [one for one in await world.say(STAFF_ROOM, MOD, "!timezone Moon") if isinstance(one, Say | Tell)]
    assert isinstance(wrong, Tell)
    (helped,) = [one for one in await world.say(STAFF_ROOM, MOD, "!help") if isinstance(one, Say | Tell)]
    assert isinstance(helped, Say)


async def test_in_the_staff_room_no_command_is_met_with_silence(world: World) -> None:
    assert await world.say(SLEEP, MOD, "!lockdown now") == []
    assert "I did not understand that" in await world.told(STAFF_ROOM, MOD, "!lockdown now")


async def test_who_writes_to_us_as_to_a_person_is_told_where_people_are(world: World) -> None:
    for polite in ("Hello!", "Доброе утро", "guten Tag 👋", "Thank you."):
        told = await world.told(ANNS, ANN, polite)
        assert told.startswith(("Hello! It is good to hear from you.", "You are welcome."))
        assert "write in #sleep, #grief: people are there." in told
    told = await world.told(ANNS, ANN, "I feel so alone tonight")
    assert "nobody reads along here. If you want to be heard, write in #sleep, #grief: people are there." in told
    assert "people are there" in await world.told(ANNS, ANN, "help me, it is too much")
    assert "people are there" not in await world.told(STAFF_ROOM, MOD, "!help me")


async def test_a_stranger_is_greeted_once(world: World) -> None:
    async with world.database.writing() as db:
        await people.change(db, EVE, direct_room="!eve")
    first = await world.say("!eve", EVE, "hello?")
    second = await world.say("!eve", EVE, "language de")
    assert [effect.key for effect in (*first, *second)] == [f"stranger/!eve/{EVE}"] * 2
    async with world.database.writing() as db:
        assert [await queue.put(db, [Put(each)], NOW_MS) for each in (*first, *second)] == [1, 0]


async def test_help_shows_what_a_role_may_use(world: World) -> None:
    mine = await world.told(ANNS, ANN, "help")
    assert "timezone – " in mine
    assert "ban – " not in mine
    theirs = await world.told(STAFF_ROOM, MOD, "!help")
    assert "ban – Ban somebody." in theirs
    assert "For moderators" in theirs
    assert "- !tend (now) – Tend a circle.\n" in theirs
    assert "Tend it at once" not in theirs
    assert "- !tend now – Tend it at once." in await world.told(STAFF_ROOM, MOD, "!help tend")
    await world.say(ANNS, ANN, "language ru")
    assert "- часовой пояс – " in await world.told(ANNS, ANN, "помощь")


async def test_help_for_one_command_shows_usage_and_speaks_the_askers_language(world: World) -> None:
    assert (await world.told(STAFF_ROOM, MOD, "!help ban")).startswith("!ban <person> [reason…]\n\nBan somebody.\n")
    assert "Perhaps: timezone" in await world.told(ANNS, ANN, "help timezon")
    assert (await world.told(ANNS, ANN, "help ban")).startswith("I know no command of that name")
    await world.say(ANNS, ANN, "language de")
    german = await world.told(ANNS, ANN, "help timezone")
    assert german.startswith("zeitzone [Zeitzone]")
    assert "timezone" in german
    assert "Deine Zeitzone" in await world.told(ANNS, ANN, "Zeitzone Wien")


async def test_time_zone_is_remembered_and_shown(world: World) -> None:
    assert await world.told(ANNS, ANN, "timezone") == "Your time zone is UTC; there it is Fri, Jan 2, 08:00 now."
    assert (
        await world.told(ANNS, ANN, "timezone Berlin")
        == "Your time zone is now Europe/Berlin; there it is Fri, Jan 2, 09:00."
    )
    async with world.database.reading() as db:
        assert (await people.get(db, ANN)).zone == "Europe/Berlin"


async def test_the_step_for_events_finds_out_by_itself_whose_room_it_is(world: World) -> None:
    async with world.scene() as scene:
        await answer.react(scene, Message("$m", ANNS, ANN, NOW_MS, Content("m.text", "language")))
        assert [put.effect.key for put in scene.puts] == ["done/$m", "answer/$m"]
    async with world.scene() as scene:
        await answer.react(scene, Message("$n", ANNS, EVE, NOW_MS, Content("m.text", "language")))
        assert scene.puts == []


async def _wire(world: World, effect: Any) -> Send:
    async def direct_room(user: str, *, insist: bool = False) -> str:
        return f"!direct/{user}"

    desk = Desk(world.database.reading, None, Names(), CONFIG, ME, NOW_MS)  # type: ignore[arg-type]
    sent = await speak.fillers(direct_room)[type(effect)](desk, effect)
    assert isinstance(sent, Send)
    return sent


async def test_what_we_say_carries_our_mark_and_pings_nobody(world: World) -> None:
    sent = await _wire(world, Say(key="k", room="!r", text=words("**Hi** %(who)s", who={"user": ANN}), language="en"))
    assert (sent.key, sent.room, sent.type) == ("k", "!r", "m.room.message")
    assert sent.content["msgtype"] == "m.notice"
    assert sent.content["body"] == "Hi Ann"
    assert sent.content["formatted_body"] == f'<strong>Hi</strong> <a href="https://matrix.to/#/{ANN}">Ann</a>'
    assert sent.content["m.mentions"] == {}
    assert sent.content[COPY_MARK].startswith("h")
    assert "m.relates_to" not in sent.content
    loud = await _wire(world, Say(key="k", room="!r", text=words("Hi"), language="en", mentions=(EVE, ANN)))
    assert loud.content["m.mentions"] == {"user_ids": [ANN, EVE]}


async def test_threads_replies_and_reactions(world: World) -> None:
    def said(**more: Any) -> Say:
        return Say(key="k", room="!r", text=words("Hi"), language="en", **more)

    assert (await _wire(world, said(thread="$t"))).content["m.relates_to"] == {
        "rel_type": "m.thread", "event_id": "$t", "is_falling_back": True, "m.in_reply_to": {"event_id": "$t"},
    }  # fmt: skip
    assert (await _wire(world, said(thread="$t", reply_to="$a"))).content["m.relates_to"] == {
        "rel_type": "m.thread", "event_id": "$t", "is_falling_back": False, "m.in_reply_to": {"event_id": "$a"},
    }  # fmt: skip
    assert (await _wire(world, said(reply_to="$a"))).content["m.relates_to"] == {"m.in_reply_to": {"event_id": "$a"}}


async def test_an_edit_replaces_what_was_sent_before(world: World) -> None:
    before = Say(key="before", room="!r", text=words("Half"), language="en")
    after = Say(key="after", room="!r", text=words("All"), language="en", edits="before", mentions=(ANN,))
    assert "m.new_content" not in (await _wire(world, after)).content
    async with world.database.writing() as db:
        await queue.put(db, [Put(before)], NOW_MS)
        (row,) = await queue.due(db, NOW_MS, 10)
        assert load(row.kind, row.key, row.payload or "") == before
        await queue.settle(db, [queue.Settled(row.id, "done", "$sent")], NOW_MS)
    content = (await _wire(world, after)).content
    assert content["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$sent"}
    assert (content["body"], content["m.new_content"]["body"], content["m.mentions"]) == ("* All", "All", {})


async def test_a_question_in_a_direct_room_is_remembered(world: World) -> None:
    ask = Tell(key="k", user=ANN, text=words("May I?"), language="en", prompt="consent")
    assert (await _wire(world, ask)).room == f"!direct/{ANN}"
    async with world.scene() as scene:
        await speak.SETTLERS[Tell](scene, ask, "skipped", "$asked")
        assert await people.prompt(scene.db, "$asked") is None
        await speak.SETTLERS[Tell](scene, ask, "done", "$asked")
        prompt = await people.prompt(scene.db, "$asked")
    assert prompt == people.Prompt("$asked", ANN, "consent")
