"""What to say about a word that is none of a command's arguments; never reads one, and never knows a command, a clock or a database."""

import difflib
from collections.abc import Mapping, Sequence

from bridge.arguments import (
    Aim,
    Choice,
    Circle,
    Day,
    Directory,
    Duration,
    Hours,
    Kind,
    Lang,
    LocalTime,
    Outside,
    RoomRef,
    Tag,
    Target,
    Thread,
    User,
    Weekday,
    Zone,
)
from bridge.times import LANGUAGES, near_zones
from bridge.words import Text, words


def complaint(kinds: Sequence[Kind], label: object, given: str, directory: Directory) -> Text:
    """What to say about a word that fits none of these kinds: what is known instead, or how to write it. `label` names the argument."""
    only = RoomRef if _means_a_room(kinds, given) else kinds[0] if len(kinds) == 1 else None
    code = {"code": given[:100]}
    if any(kind in {User, Target, Aim} for kind in kinds) and not given.startswith(("#", "$", "http")):
        return _nobody(kinds, code)
    if only in {Circle, RoomRef}:
        circles = [place for place in directory.places if only is RoomRef or place.kind == "circle"]
        names = sorted(f"#{place.tag}" if place.tag else place.key for place in circles)
        near = difflib.get_close_matches(given.casefold()[:64], names, n=3, cutoff=0.5) or names[:10]
        if only is Circle:
            return words("I know no circle called %(given)s. Perhaps: %(near)s", given=code, near=_listed(near))
        return words("I know no room called %(given)s. Perhaps: %(near)s", given=code, near=_listed(near))
    if only is Outside:
        address = {"code": "#bans:example.org"}
        return words("%(given)s is no room that I could look for. Give its link or its address, like %(example)s.", given=code, example=address)  # fmt: skip
    if only is Zone:
        near = list(near_zones(given))
        if near:
            return words("I know no time zone called %(given)s. Perhaps: %(near)s", given=code, near=_listed(near))
        return words("I know no time zone called %(given)s. Name a large city near you, please.", given=code)
    if only is Lang:
        return words(
            "I do not speak %(given)s yet. I speak %(known)s.",
            given=code,
            known={"list": [{"lang": language} for language in LANGUAGES]},
        )
    if isinstance(only, Choice):
        spelt = list(only.spelt)
        return words("I cannot read %(given)s here. It can be one of: %(known)s", given=code, known=_listed(spelt))
    example = _EXAMPLES.get(only) if isinstance(only, type) else None
    if example:
        return words(
            "I cannot read %(given)s as “%(argument)s”, which looks like this: %(example)s.",
            given=code,
            argument=label,
            example={"code": example},
        )
    return words("I cannot read %(given)s as “%(argument)s”.", given=code, argument=label)


def _nobody(kinds: Sequence[Kind], code: object) -> Text:
    example = {"code": "@name:server"}
    if RoomRef in kinds:
        return words("I know nobody and no room called %(given)s. Pick the person with @, or give an id like %(example)s, or name a room.", given=code, example=example)  # fmt: skip
    return words("I do not know anybody called %(given)s. Pick the person with @, or give the id, like %(example)s.", given=code, example=example)  # fmt: skip


def _means_a_room(kinds: Sequence[Kind], given: str) -> bool:
    """Whether this was to be one of our rooms, where words of a few would have done, too."""
    named = [kind for kind in kinds if not isinstance(kind, Choice)]
    return named == [RoomRef] and len(kinds) > 1 and given.startswith("#")


def _listed(names: Sequence[str]) -> dict[str, object]:
    return {"list": [{"code": name} for name in names]}


_EXAMPLES: Mapping[type, str] = {
    Tag: "#sleep",
    Duration: "3d",
    Day: "2026-03-01",
    LocalTime: "08:00",
    Hours: "22:00 7:30",
    Weekday: "Monday",
    int: "10",
    Thread: "https://matrix.to/#/!room/$event",
}
