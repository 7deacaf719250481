"""By what somebody is named on the copies of their messages: the name they have here, the one of their profile, or none. Never decides what is copied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.rooms import share_wishes
from bridge.scene import Desk, Naming, Scene
from bridge.store import faces, people
from bridge.store.faces import Face
from bridge.store.people import ANONYMOUS, PROFILE
from bridge.text import render
from bridge.words import Text, words


@dataclass(frozen=True, slots=True)
class Faces:
    """The names as a copy has them, and what is said instead of the names of those who want to have none there."""

    names: Naming
    profiles: frozenset[str]
    veiled: Mapping[str, str]

    def of(self, user: str) -> str:
        """What this person is called."""
        return self.names.profile(user) if user in self.profiles else self.names.of(user)

    def find(self, name: str) -> Sequence[str]:
        """The users with this name."""
        return self.names.find(name)


def faces_of(found: Mapping[str, Face], desk: Desk, *, announced: bool) -> Faces:
    """How the authors of a thread are named. Who announces something does that by name."""
    veiled = {
        user: render(_somebody(face.number), desk.config.language, desk.names).body
        for user, face in found.items()
        if face.shown == ANONYMOUS and not announced
    }
    return Faces(desk.names, frozenset(user for user, face in found.items() if face.shown == PROFILE), veiled)


async def choose(scene: Scene, user: str, shown: str | None, cause: str) -> None:
    """From now on this person is named so; the copies that can be seen are edited. `shown` is None for the name they have here."""
    if (await people.get(scene.db, user)).shown == shown:
        return
    await people.change(scene.db, user, shown=shown)
    for each in await faces.beside(scene.db, user):
        scene.puts.append(share_wishes.edit(each.room, each.source_room, each.source, cause))


def _somebody(number: int) -> Text:
    """Somebody; with their number in the thread, so that it can be seen which words are of the same person."""
    return words("Somebody") if number == 1 else words("Somebody (%(number)s)", number=number)
