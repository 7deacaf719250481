"""Who is meant by a decision about many and is to be spared by it, and what cannot be spared; in words for staff. Never acts."""

from collections.abc import Sequence

from bridge.moderation import enforce, store
from bridge.moderation.model import BAN, KICK, MUTE, SLOW, Sanction
from bridge.scene import Scene
from bridge.words import Text, lines, words, words_n

SPARE = "spare"
"""What the ledger calls it, and the command."""

KINDS = (SLOW, MUTE, KICK, BAN)


async def wide(scene: Scene, user: str) -> tuple[tuple[Sanction, ...], tuple[Sanction, ...]]:
    """The standing sanctions of many that mean this person: by a pattern of people, and by their server."""
    found = [one for one in await store.standing(scene.db, *KINDS) if not enforce.is_one(one) and enforce.hits(one, user)]  # fmt: skip
    servers = tuple(one for one in found if one.entity == "server" and one.kind == BAN)
    return tuple(one for one in found if one not in servers), servers


async def of_server(scene: Scene, user: str, servers: Sequence[Sanction]) -> Text:
    """What can be done for somebody whose whole server is shut out: the ban of how many people would have to be lifted, and how."""
    one = servers[0]
    number = len({each.user for each in await store.our_bans(scene.db, [each.id for each in servers])} - {user})
    whole = words("The whole server %(server)s is shut out: as long as that is so nothing of %(who)s can come through.", server={"code": one.target}, who={"user": user, "with_id": True})  # fmt: skip
    others = words_n("%(unban)s lets %(count)s more person back in; %(ban)s keeps each of them out who should be.", "%(unban)s lets %(count)s more people back in; %(ban)s keeps each of them out who should be.", number, unban={"command": f"unban {one.target}"}, ban={"command": "ban @name:server"})  # fmt: skip
    return lines(whole, others)


def said(user: str, spared: Sequence[Sanction]) -> Text:
    """That somebody is spared from now on, and by what."""
    what = {"list": [{"code": each.target} for each in spared]}
    return words("%(what)s does not mean %(who)s any more; for everybody else it stands.", what=what, who={"user": user, "with_id": True})  # fmt: skip
