"""What should exist, read from the configuration; pure. Never looks at what there is."""

from collections.abc import Collection
from dataclasses import replace

from bridge.community import circle_key, leaders, room_key
from bridge.config import Circle, Config, FurtherRoom, RoomSettings
from bridge.config_types import CURATOR, MODERATOR
from bridge.rooms.contents import ARCHIVED_MARK
from bridge.rooms.model import Desired, DesiredRoom, Kind, local_alias
from bridge.tags import fold

KEPT = frozenset({"topic", "history", "encrypted"})
"""What an adopted room keeps as it is, where the file does not say."""


def desired(config: Config, me: str) -> Desired:
    """What the configuration wants, the space first. `me` is our own user id, whose server the addresses are on."""
    community, server = config.community, me.partition(":")[2]
    curators = [user for circle in community.circles for user in leaders(circle)]
    members = [user for circle in community.circles for user in circle.members]
    staff = _unique(community.owners + community.moderators)
    everybody = _unique((*staff, *curators, *members))
    moderators = dict.fromkeys(community.moderators, MODERATOR)

    def room(key: str, kind: Kind, settings: RoomSettings, guests: tuple[str, ...] = ()) -> DesiredRoom:
        tag = fold(settings.tag) if isinstance(settings, Circle) else None
        levels, guarded = moderators, CURATOR
        if isinstance(settings, Circle):
            levels = dict.fromkeys(settings.former, 0) | dict.fromkeys(leaders(settings), CURATOR) | moderators
        elif CURATOR in settings.power.values():
            # Curators of all circles have a say here; what is moderation stays with the moderators.
            levels, guarded = dict.fromkeys(curators, CURATOR) | moderators, MODERATOR
        asked = guests if settings.entry == "invited" else ()
        return DesiredRoom(
            key=key,
            kind=kind,
            name=settings.name,
            topic=settings.topic,
            alias=_alias(settings, tag, server),
            tag=tag,
            avatar=settings.avatar,
            entry=settings.entry,
            encrypted=settings.encrypted,
            history=settings.history,
            servers=settings.servers,
            retention_days=settings.retention_days,
            levels={user: level for user, level in levels.items() if user not in community.owners},
            writers=settings.power.get("write", 0),
            power=settings.power,
            guarded=guarded,
            welcome=settings.welcome.strip(),
            guests=asked,
            after_space=bool(asked),
            parent="space",
            adopts=settings.room,
            kept=KEPT - settings.model_fields_set,
        )

    space = room("space", "space", community.space)
    staff_room = room("staff", "staff", community.staff)

    def of_room(further: FurtherRoom) -> DesiredRoom:
        return room(room_key(further), "room", further, further.members)

    rooms = [of_room(each) for each in community.rooms]

    def of_circle(circle: Circle) -> DesiredRoom:
        return room(circle_key(circle), "circle", circle, _unique((*leaders(circle), *circle.members)))

    circles = [of_circle(circle) for circle in community.circles]
    return Desired(
        me=me,
        server=server,
        version=community.room_version,
        owners=_unique(community.owners),
        rooms=(
            replace(
                space,
                encrypted=False,
                writers=community.space.power.get("write", CURATOR),
                guests=everybody,
                parent=None,
            ),
            room("common", "common", community.common, everybody),
            replace(staff_room, guests=staff, after_space=True, parent=None),
            *rooms,
            *circles,
            *(_archived(of_circle(circle), circle.name) for circle in community.archived),
            *(_archived(of_room(each), each.name) for each in community.archived_rooms),
        ),
        district_size=community.district_size,
        district_name=community.district_name,
    )


def asked_into(config: Config, user: str, circles: Collection[str]) -> tuple[str, ...]:
    """The keys of the rooms where this person belongs and which nobody enters from the space by themselves: they are invited there, one by one.

    `circles` are the keys of circles that are theirs beside what the configuration says. Who is in the space at all is nothing that is looked at here.
    """
    community = config.community
    staff = user in (*community.owners, *community.moderators)
    return (
        *(("staff",) if staff else ()),
        *(("common",) if community.common.entry == "invited" else ()),
        *(room_key(room) for room in community.rooms if room.entry == "invited" and user in room.members),
        *(
            key
            for key, circle in ((circle_key(circle), circle) for circle in community.circles)
            if circle.entry == "invited" and (user in (*leaders(circle), *circle.members) or key in circles)
        ),
    )


def _alias(settings: RoomSettings, tag: str | None, server: str) -> str:
    """Its address on our server; an existing room that is named by one there keeps that."""
    if settings.room and settings.room.startswith("#") and settings.room.endswith(f":{server}") and not settings.alias:
        return settings.room
    return f"#{local_alias(settings.alias, tag, settings.name)}:{server}"


def _archived(room: DesiredRoom, name: str) -> DesiredRoom:
    """The same room as one that is no longer used: read only, shown by nothing, and nobody is asked in."""
    return replace(
        room,
        tag=None,
        name=f"{ARCHIVED_MARK} {name}",
        entry="invited",
        writers=MODERATOR,
        power={},
        guests=(),
        parent=None,
        archived=True,
    )


def _unique(users: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(users))
