"""What becomes of a field of a room that somebody would like to keep, and how that is said; pure. Never writes it down."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.rooms.adopt import FIELDS, held, unwelcome
from bridge.rooms.adopt_power import Drift, drift
from bridge.rooms.districts import districted
from bridge.rooms.model import Actual, ActualRoom, Desired, DesiredRoom
from bridge.rooms.plan import kept, powers_of
from bridge.words import Text, lines, words

_WHY_NOT: Mapping[str, Text] = {
    "name": words("It has no name that the configuration could say. %(apply)s gives it the one that is wanted."),
    "alias": words("Only an address on our own server can be kept. Choose one there in a client, or as %(named)s in the configuration."),
    "avatar": words("Only a picture that was uploaded to Matrix can be kept. Choose one in a client, or as %(named)s in the configuration."),
    "entry": words("Nobody can enter this room in that way by the configuration. Choose another way as %(named)s there; %(apply)s puts it right."),
    "history": words("It does not say who can read what was written before. Write that as %(named)s in the configuration."),
    "encrypted": words("It is not encrypted. If that shall stay so, write %(named)s in the configuration."),
    "servers": words("A list that leaves nobody but us is not kept. Name the servers as %(named)s in the configuration."),
    "retention_days": words("Only whole days can be kept. Write how many as %(named)s in the configuration."),
    "curators": words("Only circles have curators. Moderators and owners are named in the configuration."),
    "power": words("No power differs there for which the configuration has a word."),
    "welcome": words("I can only keep that nobody is welcomed there any more, once my own message is no longer pinned. What people pin themselves stays as it is; other words of mine are said by %(say)s."),
    "tag": words("A tag is written in no room, so nobody can change it there by hand. %(rename)s gives a circle another one."),
}  # fmt: skip
"""Why there is nothing to keep for a field, and what to do instead."""
_IN_THE_FILE = {"encrypted": "encrypted: false"}


def kept_for(wanted: Desired, actual: Actual, key: str, field: str) -> tuple[Any, Text]:
    """What this room has by hand for this field of the configuration (plain JSON; None: nothing that could be kept), and what to say of it."""
    room = actual.rooms.get(key)
    if room is None or not room.here:
        return None, _not_adoptable(key, words("I am not in that room."))
    if key.startswith("district/"):
        return None, _not_adoptable(key, words("Districts are made by themselves, and are as the space and its circles need them."))  # fmt: skip
    meant = next((each for each in districted(kept(wanted, actual), actual).rooms if each.key == key), None)
    if meant is None or meant.archived:
        return None, _not_adoptable(key, words("That room is no longer in use."))
    if field == "power":
        return _power(key, drift(wanted, meant, powers_of(room)))
    value = _value(wanted, actual, room, meant, field)
    return value, _not_adoptable(key, _why_not(key, field)) if value is None else _adopted(key, field)


def _value(wanted: Desired, actual: Actual, room: ActualRoom, meant: DesiredRoom, field: str) -> Any:
    if field == "welcome":
        return unwelcome(actual, meant)
    return held(wanted, room, field) if field in FIELDS else None


def _power(key: str, found: Drift) -> tuple[Any, Text]:
    """The powers that have a word, and what to do about the rest."""
    apply = {"command": "apply"}
    more = []
    if found.people:
        people = {"list": [{"user": user} for user in found.people]}
        more.append(words("What power single people have goes by their role, and is not kept so: %(people)s.", people=people))  # fmt: skip
        more.append(
            words("%(keep)s makes curators of those who stand there as such, and %(apply)s puts the others right; moderators and owners are named in the configuration.", keep={"command": f"adopt {key} curators"}, apply=apply)
            if key.startswith("circle/")
            else words("Curators are named by %(curators)s, moderators and owners in the configuration; %(apply)s puts right what differs.", curators={"command": "circle curators"}, apply=apply)
        )  # fmt: skip
    if found.rest:
        rest = {"list": [{"code": name} for name in found.rest]}
        more.append(words("For these the configuration has no words, so %(apply)s puts them right: %(rest)s.", rest=rest, apply=apply))  # fmt: skip
    if found.power is None:
        return None, lines(_not_adoptable(key, _why_not(key, "power")), *more)
    powers = {"list": [{"code": f"{name}: {level}"} for name, level in found.power.items()]}
    more.insert(0, words("Who may do what there: %(powers)s. %(plan)s shows what follows from it.", powers=powers, plan={"command": "plan"}))  # fmt: skip
    return dict(found.power), lines(_adopted(key, "power"), *more)


def _adopted(key: str, field: str) -> Text:
    values = {"room": {"code": key}, "field": {"code": field}}
    return words("Kept: in %(room)s what the room has now for %(field)s is what is wanted from here on, whatever the file says.", **values)  # fmt: skip


def _not_adoptable(key: str, reason: Text) -> Text:
    return lines(words("There is nothing in %(room)s that I could keep for that.", room={"code": key}), reason)


def _why_not(key: str, field: str) -> Text:
    circle = key.startswith("circle/")
    values = {
        "apply": {"command": "apply"},
        "named": {"code": _IN_THE_FILE.get(field, field)},
        "say": {"command": f"circle welcome {key.replace('circle/', '#')}"} if circle else {"code": "welcome"},
        "rename": {"command": "circles rename"},
    }
    return replace(_WHY_NOT[field], values=values)
