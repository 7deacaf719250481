"""What a command is given and what it gives back; never how it was read or who may call it."""

from dataclasses import dataclass

from bridge.commands import Book
from bridge.config import Config
from bridge.effects import Put, React, Say, Tell
from bridge.events import Message
from bridge.roles import Authority, Role
from bridge.scene import Scene
from bridge.store import authority, people, rooms
from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.words import Text, in_a_room, words

SEEN, DONE = "👀", "✅"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command gives back: words for the person, effects, and whether all is done now. `done=False`: the answer comes later."""

    text: Text | None = None
    puts: tuple[Put, ...] = ()
    done: bool = True


@dataclass(frozen=True, slots=True)
class Context:
    """One command on its way: who gave it, where, with which rights, in which language.

    `room` is the room of ours where it was written; None in a direct room. `rooms` are all rooms of ours. `say` is who has which say now.
    """

    scene: Scene
    event: Message
    role: Role
    say: Authority
    room: Room | None
    direct: bool
    language: str
    rooms: tuple[Room, ...]
    book: Book

    @property
    def db(self) -> Connection:
        """The open transaction."""
        return self.scene.db

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.scene.config

    @property
    def sender(self) -> str:
        """Who gave the command."""
        return self.event.sender

    @property
    def circle(self) -> Room | None:
        """The circle where it was written, if it was one."""
        return self.room if self.room is not None and self.room.kind == "circle" else None

    def curates(self, tag: str) -> bool:
        """Whether the sender may act as curator of the circle with this tag: its own curators and everybody above them."""
        return self.role >= Role.MODERATOR or self.say.curates(self.sender, tag)


async def language_of(scene: Scene, user: str) -> str:
    """The language that this person chose, or else the configured one."""
    person = await people.get(scene.db, user)
    return person.language or scene.config.language


async def role_in(scene: Scene, user: str, room: Room | None) -> Role:
    """Who somebody is at this moment, where the question comes up in this room (None: in no room of ours). A curator's powers end at their circle."""
    circle = room.tag if room is not None and room.kind == "circle" else None
    return await authority.role_of(scene.db, scene.config, user, circle)


async def rather_people(scene: Scene, user: str) -> Text | None:
    """For somebody who wrote to us as if to a person: where people are. None when they are in no circle and not in the common room."""
    mine = set(await people.rooms_of(scene.db, user))
    here = [room for room in await rooms.in_use(scene.db) if room.room in mine]
    circles = [room for room in here if room.kind == "circle"] or [room for room in here if room.kind == "common"]
    if not circles:
        return None
    named = [
        {"room": room.room, "alias": room.alias, "name": f"#{room.tag}" if room.tag else words("the common room")}
        for room in circles
    ]
    return words(
        "I am only a program, and nobody reads along here. If you want to be heard, write in %(rooms)s: people are there.",
        rooms={"list": named},
    )


async def later_answer(
    scene: Scene,
    event: str,
    room: str,
    user: str,
    text: Text,
    *,
    done: bool = True,
    again: int = 0,
    prompt: str | None = None,
) -> tuple[Put, ...]:
    """The answer to a command whose work took its time: `event`, `room` and `user` are of the command's message.

    In the staff room and in the person's direct room it is said there; from anywhere else it is told to the person alone. `again` counts answers to
    the same command when it was tried anew, `prompt` is what a reaction on the answer means.
    """
    language = await language_of(scene, user)
    here = await rooms.by_id(scene.db, room)
    key = f"answered/{event}" + (f"/{again}" if again else "")
    asks = user if prompt else None
    if here is None:
        answer: Say | Tell = Say(key=key, room=room, text=text, language=language, asks=asks, prompt=prompt)
    elif here.kind == "staff":
        said = in_a_room(text)
        answer = Say(key=key, room=room, text=said, language=language, reply_to=event, asks=asks, prompt=prompt)
    else:
        answer = Tell(key=key, user=user, text=text, language=language, prompt=prompt)
    mark = (Put(React(key=f"done/{event}", room=room, event=event, emoji=DONE)),) if done else ()
    return (*mark, Put(answer))
