"""The protection `join_wave`: very many people who come in at once; never decides about any of them."""

from pydantic import Field

from bridge.events import MemberChanged
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Acts, Common, protection
from bridge.words import words


class Settings(Common):
    """How many are too many."""

    acts: Acts = Field(("case",), description="What is done: hold, case.")
    limit: int = Field(40, ge=2, le=10_000, description="So many people can come into one room ...")
    minutes: int = Field(10, ge=1, le=1440, description="... within so many minutes.")


@protection(Settings, place=85)
def join_wave(event: MemberChanged, settings: Settings, facts: Facts) -> Finding | None:
    """Find very many people coming in at once."""
    if event.membership != "join" or event.was == "join" or facts.arrivals <= settings.limit:
        return None
    acts = tuple(act for act in map(Act, settings.acts) if act in (Act.HOLD, Act.CASE))
    return Finding(
        acts,
        words("more than %(limit)s people within %(minutes)s minutes", limit=settings.limit, minutes=settings.minutes),
        of_room=True,
    )
