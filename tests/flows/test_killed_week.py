"""Hearth is killed a hundred times and more while a week is played, and the week ends as if it had never been.

The moments are those of one seed, so that a change is not blamed for another one's luck; the machine's own timing varies them enough. Others are tried with
HEARTH_TEST_ANEW in the environment, `HEARTH_KILL_SEED` repeats them, and `HEARTH_KILLS` asks for more kills.
"""

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from community import HEARTH, PEOPLE
from killing import Play, a_play, seed_of_kills

from bridge.store.db import Database

KILLS = int(os.environ.get("HEARTH_KILLS", "110"))
STEPS = range(64)
_ID = re.compile(r"[$!][A-Za-z0-9_-]{43}")
_MINUTE = re.compile(r"\b(\d\d):\d\d\b")  # real time goes on, and with many kills more of it


async def week(play: Play) -> None:
    """What people do from Monday to Friday. Before each step there may be kills."""
    await monday(play)
    await tuesday(play)
    await wednesday(play)
    await thursday(play)
    await friday(play)


async def tell(play: Play, who: str, text: str) -> str:
    """Write to Hearth alone."""
    await play.step()
    return await play.write_to_hearth(who, text)


async def monday(play: Play) -> None:
    await tell(play, "ben", f"follow {PEOPLE['ann']}")
    await tell(play, "dan", "follow #schlaf")
    await tell(play, "cleo", "follow #sleep")
    await tell(play, "zed", "language Deutsch")
    await tell(play, "zed", "folgen #bohnen")
    await tell(play, "eve", "digest weekly wednesday 9:00")
    await play.settle()
    root = await play.say("#sleep", "ann", "Awake since two. What do you do then? #common #schlaf")
    await play.step()
    await play.answer("#sleep", "ben", root, "I make tea.")
    await play.step()
    await play.answer("#sleep", "eve", root, "I count sheep.")
    await play.step(2)
    await play.settle()
    for who, answer in (("ben", "👍"), ("eve", "👎")):
        prompt = next(seen for seen in play.from_hearth(await play.direct(who), who) if "👍" in seen.body)
        await play.react(await play.direct(who), who, prompt.event_id, answer)
        await play.step()
    await play.edit("#sleep", "ann", root, "Awake since three. What do you do then? #common #schlaf")
    await play.step()
    picture = {"msgtype": "m.image", "url": "mxc://a.test/moon", "info": {"mimetype": "image/png"}}
    await play.answer("#sleep", "ann", root, "moon.png", **picture)
    await play.step()
    regretted = await play.answer("#sleep", "ben", root, "Honestly, I cry.")
    await play.step()
    await play.redact("#sleep", "ben", regretted)
    beds = []
    for n in range(4):
        await play.step()
        beds.append(await play.say("#garden", "dan", f"Bed {n} is dug. #bohnen" + " #common" * (n % 2)))
    await play.step()
    await play.answer("#garden", "cleo", beds[1], "Good soil.")  # of two that nobody answered, ids would choose
    await play.settle()


async def tuesday(play: Play) -> None:
    play.clock.turn_to("2026-01-06 08:00")
    await play.step(5)
    await play.settle()
    good_night = await play.say("#sleep", "ann", "Good night, everybody. #schlaf")
    await play.step()
    await play.settle()
    play.clock.turn_to("2026-01-07 09:00")
    await play.step(4)
    await play.settle()
    await play.redact("#sleep", "ann", good_night)
    await play.step(3)
    await play.settle()


async def wednesday(play: Play) -> None:
    await play.say("#common", "eve", "CHEAP PILLS")
    await play.say("#staff", "mod", f"!ban {PEOPLE['eve']} spam")
    await play.step(4)
    await play.say("#staff", "mod", "!ban c.test spam wave")
    await play.step(2)
    await play.say("#staff", "mod", "!ban a.test oops")
    await play.step()
    await play.say("#staff", "olga", f"!ban {PEOPLE['zed']}")
    await play.step(2)
    await play.settle()
    await play.say("#staff", "olga", f"!unban {PEOPLE['zed']}")
    await play.step(2)
    await play.say("#staff", "mod", "!unban c.test")
    await play.step(2)
    await play.settle()


async def thursday(play: Play) -> None:
    roots = []
    for n in range(5):
        roots.append(await play.say("#sleep", "ann", f"Thought {n} of the night. #common"))
        await play.step()
    await play.settle()
    await play.redact("#sleep", "ann", roots[0])
    await play.step()
    await play.edit("#sleep", "ann", roots[1], "Thought 1, kept to ourselves.")
    await play.step()
    await play.say("#sleep", "ann", "!unshare", **{"m.relates_to": {"m.in_reply_to": {"event_id": roots[2]}}})
    await play.step()
    await play.answer("#sleep", "ben", roots[3], "So do I.")  # as with the beds
    await play.step(2)
    await play.settle()
    await tell(play, "ben", "consent no")
    await play.step()
    await tell(play, "ben", "folow #schlaf")
    await tell(play, "dan", "digest now")
    await play.settle()
    await tell(play, "cleo", "unfollow #sleep")
    await play.say("#common", "cleo", "!follows")
    await play.settle()


async def friday(play: Play) -> None:
    play.clock.turn_to("2026-01-09 08:00")
    await play.step(4)
    await play.settle()
    assert play.killed >= play.kills


def ending(play: Play) -> dict[str, Any]:
    """How it ended, for people and in the database; ids are replaced by what they stand for."""
    return {
        "said": Counter(said(play)),
        "rooms": sorted(room_label(play, room) for room in play.hs.model.rooms),
        "members": {
            room_label(play, id_): {user: room.membership(user) for user in (*PEOPLE.values(), HEARTH)}
            for id_, room in play.hs.model.rooms.items()
        },
        "acl": {room: play.acl(room) for room in play.everywhere()},
        **{name: sorted(named(play, json.dumps(row)) for row in play.query(sql)) for name, sql in TABLES.items()},
        "outbox": play.query("SELECT key, state FROM outbox WHERE state IN ('due', 'dead')"),
        "failures": play.query("SELECT * FROM failures"),
    }


TABLES = {
    "ledger": "SELECT actor, action, target, reason, room, event, outcome, settled_ms IS NOT NULL FROM ledger",
    "sanctions": "SELECT entity, target, reason, lifted_by IS NOT NULL FROM sanctions",
    "bans": "SELECT bans.room, bans.user, target FROM bans JOIN sanctions ON sanctions.id = sanction",
    "follows": "SELECT user, kind, target, tag FROM follows",
    "people": "SELECT user, language, zone, direct_room, consent, digest, digest_minute, digest_weekday FROM people",
    "due": "SELECT kind, subject, next_ms, slot FROM due",
    "digests": "SELECT id, user, more, room, event IS NOT NULL FROM digests",
    "items": "SELECT digest, event, room, reasons, replies FROM digest_items",
    "posts": "SELECT event, room, author, thread FROM posts WHERE NOT redacted AND author != '@hearth:a.test'",
    "tags": "SELECT event, tag FROM post_tags",
    "shares": "SELECT root, source_room, room, author, live FROM shares",
    "copies": "SELECT source, room, root, author, copy IS NOT NULL FROM copies WHERE live",
    "memberships": "SELECT room, user, membership FROM memberships WHERE until_ms IS NULL",
}


def said(play: Play) -> list[str]:
    """Every message of Hearth as it is seen now, and every reaction of Hearth."""
    lines = []
    for id_, room in play.hs.model.rooms.items():
        reader = play.hs.model.accounts.users[next(iter(room.joined - {HEARTH}), HEARTH)]
        for seen in type(play.people["ann"])(play.hs.model, reader).sees(id_):
            if seen.sender == HEARTH and not seen.redacted:
                # An edit says nothing of what its message answers: that stays as it was (spec, m.replace).
                relates = room.by_id[seen.event_id].content.get("m.relates_to") or {}
                genuine = None if relates.get("is_falling_back") else seen.reply_to
                said = [room_label(play, id_), seen.content.get("msgtype"), seen.body, seen.html, seen.thread, genuine]
                lines.append(named(play, json.dumps(said, ensure_ascii=False)))
            lines += [
                named(play, f"{seen.event_id} has {key}") for key, people in seen.reactions.items() if HEARTH in people
            ]
    return lines


def room_label(play: Play, room: str) -> str:
    """The room's name; that of a direct room tells who is in it."""
    people = sorted(play.hs.members(room) - {HEARTH})
    return play.name_of(room) if play.name_of(room).startswith("#") else f"direct {people}"


def named(play: Play, text: str) -> str:
    """The text with ids replaced by the names of rooms and the words of events."""

    def name(found: re.Match[str]) -> str:
        id_ = found[0]
        if id_ in play.hs.model.rooms:
            return f"<{room_label(play, id_)}>"
        event = next((room.by_id[id_] for room in play.hs.model.rooms.values() if id_ in room.by_id), None)
        if event is None:
            return "<unknown>"
        words = str(event.content.get("body"))
        return f"<{event.sender} said {_ID.sub('', words)!r}>"

    return _MINUTE.sub(r"\1:..", _ID.sub(name, text))


async def played(folder: Path, kills: int, steps: range = STEPS, seed: int = 0) -> dict[str, Any]:
    async with a_play(folder, steps, kills, seed) as play:
        await week(play)
        found = ending(play)
    assert not [line for line in (folder / "log").read_text().splitlines() if '"level": "error"' in line]
    return found


@pytest.mark.timeout(400)
async def test_a_week_of_kills_ends_like_a_week_of_peace(tmp_path: Path) -> None:
    """Three weeks at once, as a kill is mostly waited for: one of peace, one killed in its first half, one in its second."""
    seed, half = seed_of_kills(), len(STEPS) // 2
    for week in (
        "peace",
        "first",
        "second",
    ):  # Alembic's doings are those of a whole process: one migration after the other
        await (await Database.open(tmp_path / week / "data" / "hearth.db")).close()
    peace, *killed = await asyncio.gather(
        played(tmp_path / "peace", 0),
        played(tmp_path / "first", KILLS // 2, STEPS[:half], seed),
        played(tmp_path / "second", KILLS - KILLS // 2, STEPS[half:], seed + 1),
    )
    assert len(peace["digests"]) >= 4
    assert len(peace["copies"]) >= 6
    found = [difference for kills in killed for difference in differences(peace, kills)]
    print(*(each[:300] for each in found), sep="\n")
    assert not found


def differences(peace: dict[str, Any], kills: dict[str, Any]) -> Iterator[str]:
    """What is in one ending and not in the other, line by line."""
    for what, there in peace.items():
        here = kills[what]
        if isinstance(there, dict) and not isinstance(there, Counter):
            yield from (f"{what} {key}" for key in there if there[key] != here.get(key))
        else:
            yield from (f"{what} missing: {each}" for each in (Counter(there) - Counter(here)).elements())
            yield from (f"{what} too much: {each}" for each in (Counter(here) - Counter(there)).elements())
