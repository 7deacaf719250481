"""Runs every rule of `tests/cases/digest`: a small story, a reader, and what stands in the reader's digest at the end of it."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import Choosing
from bridge.digest.board import board
from bridge.digest.compose import compose
from bridge.digest.model import Copied, Follow, Member, Place, Post, Reason, Span

CASES = sorted((Path(__file__).parent / "digest").glob("*.yaml"))
MINUTE_MS = 60_000
MEMBERSHIPS = {
    "joins": "join",
    "leaves": "leave",
    "is invited to": "invite",
    "is banned from": "ban",
    "knocks at": "knock",
}


@dataclass
class Story:
    """Lines such as `3 ann says hello in sleep under first tagged night`, played into the rows that Hearth keeps. Times are minutes. Who murmurs is not named on copies.

    After the room can stand `under` (thread), `answering` (reply), `tagged`, `calling` (mention), `written` (its sender's minute); `notes` is what programs do.
    """

    reader: str = "me"
    now_ms: int = 0
    seq: int = 0
    posts: dict[str, Post] = field(default_factory=dict)
    copies: list[Copied] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    reads: dict[tuple[str, str], int] = field(default_factory=dict)
    histories: dict[str, str] = field(default_factory=dict)
    changes: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def play(self, line: str) -> None:
        time, rest = line.split(" ", 1)
        self.now_ms = int(time) * MINUTE_MS
        for verb, membership in MEMBERSHIPS.items():
            if f" {verb} " in rest:
                who, room = rest.split(f" {verb} ")
                return self.become(who, room, membership)
        words = rest.split()
        match words:
            case [author, "says" | "notes" | "murmurs" as how, event, "in", room, *more]:
                self.say(event, room, author, how, options(more))
            case [_, "reads", event, *within]:
                self.reads[self.posts[event].room, "".join(within[1:])] = self.posts[event].seq
            case [number, "react", "to", event]:
                self.posts[event] = replace(self.posts[event], reactions=int(number))
            case [room, "becomes", history]:
                self.changes.setdefault(room, [(0, self.histories[room])]).append((self.seq, history))
                self.histories[room] = history
            case [event, "is", "redacted"]:
                self.posts[event] = replace(self.posts[event], redacted=True)
            case [source, "is", "copied", "to", room, "as", copy]:
                self.copies.append(Copied(source, room, copy, self.appears()))
            case [source, "will", "be", "copied", "to", room, "as", copy]:
                self.copies.append(Copied(source, room, copy))
            case _:
                raise AssertionError(f"unknown line: {line}")
        return None

    def appears(self) -> int:
        self.seq += 1
        return self.seq

    def say(self, event: str, room: str, author: str, how: str, told: dict[str, list[str]]) -> None:
        at_ms = int(told["written"][0]) * MINUTE_MS if "written" in told else self.now_ms
        self.posts[event] = Post(
            self.appears(), event, room, author, at_ms,
            thread=told["under"][0] if "under" in told else None,
            tags=frozenset(told.get("tagged", ())),
            reply_to=told["answering"][0] if "answering" in told else None,
            mentions=frozenset(told.get("calling", ())),
            automatic=how == "notes",
            nameless=how == "murmurs",
        )  # fmt: skip

    def become(self, who: str, room: str, membership: str) -> None:
        if who == self.reader:
            for n, span in enumerate(self.spans):
                if span.room == room and span.until_seq is None:
                    self.spans[n] = replace(span, until_seq=self.seq)
            self.spans.append(Span(room, membership, self.seq, since_ms=self.now_ms))


OPTIONS = ("under", "answering", "tagged", "calling", "written")


def options(words: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in words:
        if word in OPTIONS:
            found[word] = []
        else:
            found[list(found)[-1]].append(word)
    return found


def reason(text: str) -> Reason:
    kind, target, *tag = text.split()
    return Reason(kind, target, *tag)  # type: ignore[arg-type]


def shown(case: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    story = Story(histories=dict(case["rooms"]))
    for line in case["story"]:
        story.play(line)
    wishes = [(text, wish) for wish in ("follow", "mute") for text in case.get(f"{wish}s", ())]
    follows = tuple(Follow(n, story.reader, reason(text), wish) for n, (text, wish) in enumerate(wishes))  # type: ignore[arg-type]
    places = [
        Place(
            room,
            history,
            kind="circle" if room in case.get("circles", ()) else "room",
            changes=tuple(story.changes.get(room, ())),
        )
        for room, history in story.histories.items()
    ]
    seen = board(
        story.posts.values(),
        places,
        story.copies,
        since_seq=story.posts[case["after"]].seq if "after" in case else 0,
        until_seq=story.seq,
        now_ms=case.get("now", story.now_ms // MINUTE_MS) * MINUTE_MS,
        weights=Choosing(),
    )
    digest = compose(
        Member(story.reader, follows, tuple(story.spans), story.reads, frozenset(case.get("apart", ()))),
        seen,
        since_seq=story.posts[case["after"]].seq if "after" in case else 0,
        most_items=case.get("most", 10),
    )
    if digest is None:
        return [], 0
    items = [
        {
            "message": item.event,
            "in": item.room,
            "because": [" ".join(part for part in (r.kind, r.target, r.tag) if part) for r in item.reasons],
            "replies": item.replies,
        }
        for item in digest.items
    ]
    return items, digest.more


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_rule_holds(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    items, more = shown(case)
    expected = case["shown"]
    assert len(items) == len(expected), items
    for item, wanted in zip(items, expected, strict=True):
        assert {key: item[key] for key in wanted} == wanted
    assert more == case.get("more", 0)


def test_there_are_rules() -> None:
    assert len(CASES) > 15
