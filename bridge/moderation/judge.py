"""What becomes of new rules of somebody else's list: followed at once, held for people to look at, or kept; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bridge.moderation.policies import Stance

ON, ASKED, HELD, SHOWN, REFUSED, GONE, NEW = "on", "asked", "held", "shown", "refused", "gone", "new"
"""What a rule is: followed; asked about as soon as it means somebody; before staff; only shown; refused by staff; taken back; not judged yet."""

LIVE = (ON, ASKED, HELD, SHOWN, REFUSED)
"""The states of rules that stand in their list and were judged."""

MANY = 10
"""A list that means more of us than this, within an hour, is not followed without a word from staff."""

TENTH = 10

OURS, LARGE, ASK = "ours", "large", "ask"
"""Why rules are held: they mean us, our server or staff; they mean many; the list is one to be asked about."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of which rules, whom those that are held mean, and why they are held (None: none are)."""

    on: tuple[int, ...]
    asked: tuple[int, ...]
    held: tuple[int, ...]
    shown: tuple[int, ...]
    people: frozenset[str]
    why: str | None


def judge(
    stance: Stance | str,
    rules: Collection[int],
    hit: Mapping[int, frozenset[str]],
    ours: Collection[int],
    *,
    members: int,
    lately: int,
) -> Judged:
    """Judge the new rules of one list, by their numbers.

    `hit` has those of our people whom each means, without us and staff; `ours` the rules that mean us, our server, or somebody of staff. `members` is
    how many people we are, `lately` how many of them the same list has hit within the hour.
    """
    if stance == Stance.SHOW:
        return Judged((), (), (), tuple(rules), frozenset(), None)
    dangerous = frozenset(ours)
    hitting = [one for one in rules if hit.get(one) and one not in dangerous]
    people = frozenset[str]().union(*(hit[one] for one in hitting))
    held = {one for one in rules if one in dangerous}
    why = OURS if held else None
    if stance == Stance.ASK:
        held |= set(hitting)
        why = why or (ASK if hitting else None)
        rest = tuple(one for one in rules if one not in held)
        return Judged((), rest, _in_order(rules, held), (), people | _all(hit, held), why)
    if hitting and is_large(len(people) + lately, members):
        held |= set(hitting)
        why = why or LARGE
    rest = tuple(one for one in rules if one not in held)
    return Judged(rest, (), _in_order(rules, held), (), _all(hit, held), why)


def is_large(people: int, members: int) -> bool:
    """Whether so many of us are too many for a list to decide alone: more than MANY, or a tenth of all, unless it is a single one."""
    return people > MANY or (people > 1 and people * TENTH >= members)


def _all(hit: Mapping[int, frozenset[str]], rules: Collection[int]) -> frozenset[str]:
    return frozenset[str]().union(*(hit.get(one, frozenset()) for one in rules))


def _in_order(rules: Collection[int], chosen: Collection[int]) -> tuple[int, ...]:
    return tuple(one for one in rules if one in chosen)
