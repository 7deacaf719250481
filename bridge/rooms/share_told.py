"""What people are told about shared threads, and how a room is named to them; words only. Never decides what is shared."""

from dataclasses import asdict

from bridge.config import Config
from bridge.context import language_of
from bridge.effects import Put, Tell
from bridge.rooms import share
from bridge.rooms.share_rule import refusal
from bridge.scene import Scene
from bridge.store import people
from bridge.store.rooms import Room
from bridge.words import Text, words, words_n


def heard_you(answer: bool) -> Text:
    """What we say to somebody who told us whether their replies may travel."""
    if answer:
        return words(
            "Thank you. From now on your replies travel with a thread when its author shares it. Write %(command)s to change that at any time.",
            command={"command": "consent no"},
        )
    return words(
        "Your replies stay in the circle. What had been copied is being taken back. Write %(command)s if you change your mind.",
        command={"command": "consent yes"},
    )


async def audience(scene: Scene, common: Room) -> Text:
    """Who reads what stands in the common room, and which servers keep it."""
    number, servers, more = share.audience(await people.members(scene.db, common.room), scene.me)
    named: list[object] = list(servers)
    if more:
        named.append({"text": asdict(words_n("%(count)s other", "%(count)s others", more))})
    return words_n(
        "%(count)s person can read %(common)s, and these servers keep a copy of it: %(servers)s.",
        "%(count)s people can read %(common)s, and these servers keep a copy of it: %(servers)s.",
        number,
        common=name(common),
        servers={"list": named},
    )


async def reach(scene: Scene, source: Room, target: Room) -> tuple[Text, Text]:
    """Who would read words of one room in the other, and which servers would hold them for the first time."""
    fresh = share.new_servers(await people.members(scene.db, target.room), await people.members(scene.db, source.room))
    new: Text = words("Every server that would keep a copy has one of %(circle)s already.", circle=name(source))
    if fresh:
        shown: list[object] = list(fresh[: share.MOST_SERVERS])
        if len(fresh) > share.MOST_SERVERS:
            more = words_n("%(count)s other", "%(count)s others", len(fresh) - share.MOST_SERVERS)
            shown.append({"text": asdict(more)})
        new = words("New among the servers that would keep a copy: %(servers)s.", servers={"list": shown})
    return await audience(scene, target), new


def refused(config: Config, circle: Room, common: Room) -> Text:
    """Why words of this circle do not go into the common room: its own rule, its encryption, its servers, or that its people are told first."""
    why = refusal(config, circle, common)
    if why == "untold":
        return words(
            "Your thread waits a moment: I first tell everybody in %(circle)s that threads may be carried into %(common)s. Then it follows by itself.",
            circle=name(circle),
            common=name(common),
        )
    if why == "servers":
        return words(
            "Your thread stays in %(circle)s: only people of certain servers take part there, and %(common)s is read by people of others. If it should be possible here all the same, please talk to the people who look after this community.",
            circle=name(circle),
            common=name(common),
        )
    if why == "never":
        return words(
            "What is said in %(circle)s stays there: this circle does not share. If you want everybody to hear it, you can write it in %(common)s yourself.",
            circle=name(circle),
            common=name(common),
        )
    return words(
        "Your thread stays in %(circle)s: that room is encrypted and %(common)s is not, so sharing would take your words out of the encryption. If that should be possible here, please talk to the people who look after this community.",
        circle=name(circle),
        common=name(common),
    )


def rules_first(circle: Room) -> Text:
    """That a thread waits until its author has accepted the rules, and how they do that."""
    return words(
        "Your thread stays in %(circle)s for now: before threads are shared with everybody, each of us accepts what holds here. %(rules)s shows it, and with %(yes)s you accept it; then I share your thread at once.",
        circle=name(circle),
        rules={"command": "rules"},
        yes={"command": "rules yes"},
    )


def unseen() -> Text:
    """That a thread began before we were there."""
    return words(
        "I was not there yet when this thread began, so I cannot share it. Please write what you want to share in a new message, with the tag."
    )


async def tell(scene: Scene, user: str, key: str, text: Text, prompt: str | None = None) -> None:
    """The wish to tell one person something, in their language; `prompt` names what a reaction on it answers."""
    language = await language_of(scene, user)
    scene.puts.append(Put(Tell(key=key, user=user, text=text, language=language, prompt=prompt)))


def name(room: Room) -> dict[str, object]:
    """The value for a text that names a room of ours to somebody who may know it."""
    if room.tag:
        return {"room": room.room, "alias": room.alias, "name": f"#{room.tag}"}
    common = {"text": asdict(words("the common room"))}
    return {"room": room.room, "alias": room.alias, "name": common if room.kind == "common" else room.key}
