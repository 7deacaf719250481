"""The protection `look_alike`: a display name that can be taken for somebody else's; never the name itself in what it says."""

from pydantic import Field

from bridge.events import MemberChanged
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Acts, Common, protection
from bridge.words import words


class Settings(Common):
    """Whose names are guarded."""

    acts: Acts = Field(("case",), description="What is done: warn, mute, hold, case.")
    members: bool = Field(
        False, description="Guard the names of all members, and not only Hearth's and those of staff."
    )


@protection(Settings, place=20)
def look_alike(event: MemberChanged, settings: Settings, facts: Facts) -> Finding | None:
    """Find names that can be taken for Hearth's, or for those of staff."""
    if event.membership != "join" or not event.display_name:
        return None
    others = facts.alike - {event.user}
    taken = sorted(others & facts.guarded) or (sorted(others) if settings.members else [])
    if not taken:
        return None
    acts = tuple(act for act in map(Act, settings.acts) if act is not Act.REDACT)  # a membership holds more than a name
    return Finding(acts, words("a name that can be taken for that of %(user)s", user={"code": taken[0]}))
