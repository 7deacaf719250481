"""The command `note`: writes down what staff should know of somebody; never tells them, and never touches a room."""

from bridge.arguments import Aim, Rest
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.moderation import orders
from bridge.moderation.model import NOTE
from bridge.roles import Role
from bridge.words import words


@command(where=STAFF, role=Role.MODERATOR, examples=("note @eve:example.org was here before as @eva:example.org",))
async def note(ctx: Context, who: Aim, text: Rest = Rest("")) -> Reply:
    """Write down for staff what they should know of someone or of a server; nobody else reads it."""
    if not str(text).strip():
        raise UsageError(words("What should be noted? Write it behind the name, please."))
    return await orders.give(ctx, NOTE, who, str(text))
