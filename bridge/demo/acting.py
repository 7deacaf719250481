"""What the demo's people do again and again: write, answer, ask Hearth, let time pass. Never looks into Hearth."""

from bridge.demo.member import Line, Member
from bridge.demo.theatre import ZONE, Play


def turn_to(play: Play, weekday: int, hour: int) -> None:
    """Turn everybody's clock forward to that day (0: Monday) and hour."""
    turned = play.clock.turn_to(ZONE, weekday, hour)
    play.stage.tell(f"It is {turned:%A, %H:%M}.")


async def say(play: Play, member: Member, room: str, text: str) -> str:
    """Write something that must not be found in Hearth's files afterwards; its event id."""
    play.said.append(text)
    return await member.say(room, text)


async def in_thread(play: Play, member: Member, room: str, root: str, text: str) -> str:
    """The same, in a thread."""
    play.said.append(text)
    return await member.answer(room, root, text)


async def ask(play: Play, member: Member, text: str, *, room: str | None = None, contains: str = "") -> Line:
    """Write a command and wait for Hearth's answer to it."""
    room = room or play.rooms[f"direct/{member.name}"]
    before = {line.event for line in member.lines(room)}
    await member.say(room, text)
    return await member.until(
        f"an answer to “{text}”",
        lambda: next(
            (
                line
                for line in member.lines(room)
                if line.event not in before and line.sender == play.hearth and contains in line.text
            ),
            None,
        ),
    )


def first_lines(line: Line, count: int) -> str:
    """The beginning of a message, for the terminal."""
    lines = line.text.strip().splitlines()
    return "\n".join([*lines[:count], *(["…"] if len(lines) > count else [])])
