"""Which circle is in which district, and which districts there are; pure. A circle never moves to another because of what came later.

Other servers show at most fifty children of a space, so a large community has sub-spaces between the space and its circles. They are only a
view: rooms let in the members of the main space, whatever shows them.
"""

from collections.abc import Mapping
from dataclasses import replace

from bridge.rooms.contents import leads
from bridge.rooms.model import Actual, ActualRoom, Desired, DesiredRoom

FAMILY = "district/"


def districted(wanted: Desired, actual: Actual) -> Desired:
    """What is wanted with the districts that it takes, behind the space, and with every circle in one of them. Without need of any: as it was.

    Who is in a district stays there; newcomers go to the first with a free place. Districts that exist stay, also when they grow empty.
    """
    there = {**actual.lost, **actual.rooms}
    numbers = {_number(key): room for key, room in there.items() if key.startswith(FAMILY)}
    shown = [room for room in wanted.rooms if room.parent == "space"]
    if not numbers and len(shown) <= wanted.district_size:
        return wanted
    circles = [room.key for room in shown if room.kind == "circle"]
    # A circle that left the file is still shown where it was, and takes its place; one that was archived goes.
    going = {room.key for room in wanted.rooms if room.archived}
    known = dict.fromkeys((*circles, *(key for key in there if key.startswith("circle/") and key not in going)))
    homes = {key: home for key in known if (home := _home(there.get(key), numbers)) is not None}
    taken = dict.fromkeys(sorted(numbers), 0)
    for home in homes.values():
        taken[home] += 1
    for key in circles:
        if key not in homes:
            open_ones = (
                number for number, count in taken.items() if count < wanted.district_size and _here(numbers, number)
            )
            homes[key] = next(open_ones, max(taken, default=0) + 1)
            taken[homes[key]] = taken.get(homes[key], 0) + 1
    space, *rest = wanted.rooms
    districts = [_district(wanted, space, number) for number in taken]
    placed = [replace(room, parent=f"{FAMILY}{homes[room.key]}") if room.key in homes else room for room in rest]
    return replace(wanted, rooms=(space, *districts, *placed))


def district_alias(wanted: Desired, key: str) -> str:
    """The address of the district with this key: that of the space, and its number."""
    local, _, server = wanted.rooms[0].alias.partition(":")
    return f"{local}-{_number(key)}:{server}"


def _number(key: str) -> int:
    return int(key.removeprefix(FAMILY))


def _here(numbers: Mapping[int, ActualRoom], number: int) -> bool:
    return number not in numbers or numbers[number].here


def _home(circle: ActualRoom | None, numbers: Mapping[int, ActualRoom]) -> int | None:
    """The district that shows this circle, or that the circle names where we cannot look any more."""
    if circle is None:
        return None
    for number, district in sorted(numbers.items()):
        if leads(district.content("m.space.child", circle.room)):
            return number
        if not district.here and leads(circle.content("m.space.parent", district.room)):
            return number
    return None


def _district(wanted: Desired, space: DesiredRoom, number: int) -> DesiredRoom:
    """A sub-space for circles: like the space, but open to its members."""
    key = f"{FAMILY}{number}"
    return DesiredRoom(
        key=key,
        kind="district",
        name=f"{wanted.district_name} {number}",
        topic="",
        alias=district_alias(wanted, key),
        encrypted=False,
        servers=space.servers,
        levels=space.levels,
        writers=space.writers,
        parent="space",
    )
