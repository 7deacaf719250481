"""Which circle a newcomer comes into who has none yet; pure: the same people and circles always give the same one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody without a circle, and the language that they chose; None: they have not said, so the community's usual one should be given here."""

    user: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle by its key: how many people it holds, and in which language they write there; None: in any."""

    key: str
    size: int
    language: str | None = None


def assign(
    newcomer: Newcomer,
    circles: Sequence[Circle],
    members: Mapping[str, Collection[str]],
    apart: Collection[frozenset[str]],
) -> str | None:
    """The key of the circle for this person, or None when none has room for them.

    `members` says who is in each circle, or is expected there; `apart` are pairs of people who are not to be in one circle. A circle in the person's
    own language goes before one that is for any; among these, the one that is filled least for its size; among equals, the first by its key.
    """
    possible = [circle for circle in circles if _possible(newcomer, circle, members.get(circle.key, ()), apart)]
    best = min(possible, key=lambda circle: _rank(newcomer, circle, len(members.get(circle.key, ()))), default=None)
    return best.key if best else None


def kept_from(user: str, members: Collection[str], apart: Collection[frozenset[str]]) -> tuple[str, ...]:
    """Whom of these people somebody is not to be with, sorted."""
    return tuple(sorted(other for pair in apart if user in pair for other in pair - {user} if other in members))


def _possible(newcomer: Newcomer, circle: Circle, members: Collection[str], apart: Collection[frozenset[str]]) -> bool:
    speaks = circle.language is None or newcomer.language is None or circle.language == newcomer.language
    return speaks and len(members) < circle.size and not kept_from(newcomer.user, members, apart)


def _rank(newcomer: Newcomer, circle: Circle, many: int) -> tuple[bool, float, str]:
    return circle.language is None or circle.language != newcomer.language, many / circle.size, circle.key
