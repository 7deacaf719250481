"""What newcomers are asked and told, step by step; never decides which step comes next, and never sends anything."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bridge.config import Config
from bridge.rooms.onboarding import NUMBERS, PASS, YES, Step, rules_in
from bridge.store.onboarding import Wish
from bridge.store.rooms import Room
from bridge.times import LANGUAGES
from bridge.words import Text, lines, words

_NAMES = {"en": "English", "ru": "русский", "de": "Deutsch"}
_SKIP = {"command": "skip"}


def welcome(config: Config) -> Text:
    """The first words to a newcomer."""
    return lines(
        words(
            "Welcome to **%(community)s**! It is good that you are here. I am a program that looks after the rooms.",
            community=config.community.space.name,
        ),
        words(
            "I have a few short questions. Write %(skip)s or react with %(pass)s to pass one over, and write %(later)s to take a break.",
            skip=_SKIP,
            later={"command": "later"},
            **{"pass": PASS},
        ),
    )


def question(
    step: Step, *, language: str, config: Config, zone: str, offer: Sequence[Wish] = (), rooms: Mapping[str, Room]
) -> Text:
    """What is asked at this step. `language` and `zone` are the newcomer's, as far as we know; `rooms` are ours by their id."""
    match step:
        case "language":
            return _languages(config.language)
        case "rules":
            return lines(
                words("What holds here for everybody:"),
                rules(config, language),
                words(
                    "React with %(yes)s, or write %(word)s, to accept this. Until then you can read everything, but your threads are not shared with everybody.",
                    yes=YES,
                    word={"command": "yes"},
                ),
            )
        case "zone":
            return words(
                "In which time zone do you live? A big city is enough, for example %(example)s; then what I send comes at a good hour. With %(skip)s I go by %(zone)s.",
                example={"command": "Berlin"},
                skip=_SKIP,
                zone={"code": zone},
            )
        case "name":
            return lines(
                words(
                    "By which name would you like to be known here? It may be a new one, that tells nothing of the rest of your life. I use it wherever I name you: in shared threads, in digests, in answers."
                ),
                words(
                    "With %(skip)s I use the name in your Matrix profile, which people in the rooms see anyway. %(name)s changes it at any time.",
                    skip=_SKIP,
                    name={"command": "name"},
                ),
            )
        case "follows":
            shown = [
                words("- %(number)s: %(what)s", number=number, what=wish_in_words(wish, rooms))
                for number, wish in enumerate(offer, start=1)
            ]
            return lines(
                words("Once a day I can send you what is new about things that you choose. To begin with, I suggest:"),
                *shown,
                words(
                    "React with %(yes)s to take all of it, or write the numbers that you want, like %(example)s.",
                    yes=YES,
                    example={"code": "1 2"},
                ),
            )


def rules(config: Config, language: str) -> Text:
    """The community's rules as they stand in the configuration: Markdown, and no place of ours in it."""
    return Text(rules_in(config.community.rules, language, config.language).replace("%", "%%"))


def wish_in_words(wish: Wish, rooms: Mapping[str, Room]) -> Any:
    """What can be followed, as a value for a Text."""
    kind, target = wish
    if kind == "person":
        return {"user": target}
    if kind == "tag":
        return words("messages with %(tag)s, wherever you can read them", tag=f"#{target}")
    room = rooms.get(target)
    return words("all in %(circle)s", circle=circle(room)) if room else {"code": target}


def circle(room: Room) -> dict[str, Any]:
    """The value for a text that names a circle."""
    return {"room": room.room, "alias": room.alias, "name": f"#{room.tag}" if room.tag else room.key}


def _languages(usual: str) -> Text:
    """The usual language first, each offered in its own words."""
    ordered = sorted(LANGUAGES, key=lambda code: (code != usual, LANGUAGES.index(code)))
    return lines(
        *(Text("%(line)s", {"line": {"text": asdict(_in_its_own_words(code)), "in": code}}) for code in ordered)
    )


def _in_its_own_words(code: str) -> Text:
    return words(
        # Translators: name your own language here, not English: it is offered to people who may not read any other.
        "In English: react with %(number)s or write %(word)s.",
        number=NUMBERS[LANGUAGES.index(code)],
        word={"code": _NAMES[code]},
    )


def passing() -> Text:
    """How to go on without an answer."""
    return words("%(skip)s passes this over.", skip=_SKIP)


def unclear(step: Step, near_zones: Sequence[str] = ()) -> Text:
    """What we say to an answer that we cannot read."""
    skip = passing()
    match step:
        case "language":
            return lines(
                words(
                    "I write %(languages)s. Which shall it be?",
                    languages={"list": [{"code": _NAMES[code]} for code in LANGUAGES]},
                ),
                skip,
            )
        case "zone" if near_zones:
            return lines(
                words(
                    "I do not know that place. Perhaps: %(near)s", near={"list": [{"code": one} for one in near_zones]}
                ),
                skip,
            )
        case "zone":
            return lines(
                words(
                    "I do not know that place, sorry. Try a bigger city nearby, or something like %(example)s.",
                    example={"code": "UTC+3"},
                ),
                skip,
            )
        case "follows":
            return lines(
                words(
                    "Write the numbers of what you want to follow, or tags like %(example)s.",
                    example={"code": "#sleep"},
                ),
                skip,
            )
        case _:
            return lines(
                words("I did not understand that, sorry."), words("React with %(yes)s to say yes.", yes=YES), skip
            )


def not_accepted() -> Text:
    """What we say to somebody who passes the rules over."""
    return words(
        "That is all right, take your time. You can read everything; sharing a thread with everybody comes once you accept. %(rules)s shows it again.",
        rules={"command": "rules"},
    )


def paused(at_ms: int, zone: str) -> Text:
    """What we say to `later`."""
    return words(
        "Gladly. I will come back to it once: %(when)s. If you want to go on before, write %(resume)s.",
        when={"time_ms": at_ms, "zone": zone},
        resume={"command": "continue"},
    )


def reminder() -> Text:
    """What goes before the question when we come back to it."""
    return words(
        "You wanted to go on later. Here is where we were; if you don't feel like it, just leave it, I will not ask again."
    )


def changed_rules() -> Text:
    """What goes before rules that are new since somebody accepted them."""
    return words("What holds here for everybody has changed a little. Please have a look when you find the time.")


def all_for_now() -> Text:
    """The end for somebody who is in no circle yet."""
    return words("That is all for now. Once you are in a circle I have one last suggestion. %(help)s shows what I can do.", help={"command": "help"})  # fmt: skip


def all_done() -> Text:
    """The end."""
    return words(
        "That is all. If you wonder what I can do, write %(help)s, and if you want to be heard, write in your circle: people are there.",
        help={"command": "help"},
    )
