"""Asks before a command does something big: says its effect in numbers and waits for a reaction. Never does it; `bridge.answer` goes on when the answer comes.

A command that may have to ask has `confirmed=` a function: it is given the Context (with the rights that hold by then) and the arguments that
were put here. The command itself calls the same function where nothing has to be asked.
"""

from collections.abc import Mapping
from typing import Any

from bridge.context import Context, Reply
from bridge.effects import Put, Say, Tell
from bridge.store import confirmations
from bridge.words import Text, in_a_room, lines, words

KIND = "confirm/"
"""How the name of what a reaction answers begins; behind it stands the number of the command that waits."""

ANOTHER = "confirm2/"
"""The same where another person has to say yes who may give that command, too."""

MANY = 10
"""Whatever concerns more people than this is asked about first."""

WAIT_MS = 10 * 60 * 1000
"""An answer that comes later than this is none: by then things may have changed."""


async def ask(ctx: Context, command: str, args: Mapping[str, Any], effect: Text, *, another: bool = False) -> Reply:
    """Say what the command with this name would do, and wait for its giver's 👍 or 👎, or for `another` person's 👍 who may give it, too.

    `args` are plain JSON: ids, tags and numbers, and of words only the reason that the ledger keeps; they are forgotten once there is an answer.
    """
    event = ctx.event
    number = await confirmations.add(ctx.db, command, args, ctx.sender, event.id, event.room, ctx.scene.now_ms)
    if another:
        how = words("So many people take two of you: another moderator has to react with 👍 within ten minutes; 👎 leaves everything as it is.")  # fmt: skip
    else:
        how = words("React with 👍 within ten minutes to go on, or with 👎 to leave everything as it is.")
    text = lines(effect, how)
    key, prompt = f"confirm/{event.id}", f"{ANOTHER if another else KIND}{number}"
    asked: Say | Tell
    if ctx.direct or (ctx.room is not None and ctx.room.kind == "staff"):
        said = text if ctx.direct else in_a_room(text)
        asked = Say(
            key=key, room=event.room, text=said, language=ctx.language, thread=event.thread,
            reply_to=None if ctx.direct else event.id, asks=ctx.sender, prompt=prompt,
        )  # fmt: skip
    else:
        asked = Tell(key=key, user=ctx.sender, text=text, language=ctx.language, prompt=prompt)
    return Reply(puts=(Put(asked),), done=False)
