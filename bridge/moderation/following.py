"""Rules of watched lists that are followed: carried out against those of us whom they mean, written down, and told. Writes sanctions and wishes, never acts."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from bridge.moderation import decision, enforce, measures, store, told
from bridge.moderation.book import Book, revealed
from bridge.moderation.model import BAN
from bridge.moderation.policies import Rule
from bridge.moderation.react import SERVER_LIST
from bridge.scene import Scene
from bridge.store import due, ledger, policies, rooms, shut_out, sweeps
from bridge.store.policies import Known, List
from bridge.words import Text, in_a_room, lines, words, words_n

HOUR_MS = 60 * 60 * 1000
MOST_NAMED = 10


async def meant(
    scene: Scene, rules: Iterable[Known], spared: Collection[str], book: Book | None = None
) -> tuple[dict[int, frozenset[str]], frozenset[int], int]:
    """Whom of us each of these rules means, without those whom nothing touches; the rules that mean one of these; how many people we are.

    `book` is one that has these rules already.
    """
    if book is None:
        book = Book()
        for each in rules:
            book.put(each.id, each.rule)
    here = [each for each in await store.presences(scene.db) if each.membership in enforce.HERE]
    hit: dict[int, set[str]] = {}
    for user in sorted({each.user for each in here} - set(spared)):
        for one in book.meaning(user):
            hit.setdefault(one, set()).add(user)
    ours = frozenset(one for user in spared for one in book.meaning(user))
    members = {each.user for each in here if each.membership == "join"} - {scene.me}
    return {one: frozenset(users) for one, users in hit.items()}, ours, len(members)


async def follow(
    scene: Scene, watched: List, rules: Sequence[Known], hit: Mapping[int, frozenset[str]]
) -> frozenset[str]:
    """Carry out these rules, which are followed from now on, against those of us whom they mean; gives these people."""
    met: set[str] = set()
    acted: list[Known] = []
    for each in rules:
        users = hit.get(each.id, frozenset())
        if users <= met:
            continue
        met |= users
        acted.append(each)
        first = min(users)
        if each.rule.takedown:  # before their server is shut out, which waits for it
            await take_down(scene, watched, each, users)
        entry = await write_down(scene, watched, each, BAN, revealed(each.rule, first))
        taken = await measures.take(
            scene, BAN, each.rule.entity, revealed(each.rule, first), each.rule.reason, entry, rule=each.id
        )
        if not taken.wanted:
            await decision.settled(scene, entry)
    if acted:
        fresh = scene.now_ms - watched.hit_ms >= HOUR_MS
        began, before = (scene.now_ms, 0) if fresh else (watched.hit_ms, watched.hit)
        await policies.change(scene.db, watched.id, hit_ms=began, hit=before + len(met))
        await tell_followed(scene, watched, acted, len(met))
    return frozenset(met)


async def take_down(scene: Scene, watched: List, rule: Known, users: Collection[str]) -> None:
    """What these people wrote is looked for and taken away, too (MSC4204)."""
    for user in sorted(users):
        cause = await write_down(scene, watched, rule, "redact", user)
        await sweeps.add(scene.db, sweeps.Sweep(cause, "user", user, "", since_ms=0))


async def write_down(scene: Scene, watched: List, rule: Known, action: str, target: str) -> int:
    """The ledger's row for what follows from a rule: the list stands in it as the rule, its reason as the reason."""
    name = f"list {watched.address}"
    return await ledger.write(scene.db, scene.me, action, target, rule.rule.reason, name, None, None, scene.now_ms)


async def tell_followed(
    scene: Scene, watched: List, rules: Sequence[Known], people: int, user: str | None = None
) -> None:
    """Staff hears that a list banned so many people who are here, or this one who came."""
    if user is not None:
        head = words("%(who)s came, and %(list)s bans them. I follow that in every room.", who={"user": user, "with_id": True}, list=watched.place)  # fmt: skip
    else:
        head = words_n("%(list)s bans %(count)s person who is here. I follow that in every room.", "%(list)s bans %(count)s people who are here. I follow that in every room.", people, list=watched.place)  # fmt: skip
    undo = {"command": f"unban {user or '…'}"}
    text = lines(head, *named(rules), words("%(unban)s makes an exception.", unban=undo))
    await told.tell_staff(scene, f"rules/followed/{rules[0].id}/{user or ''}/{scene.now_ms}", in_a_room(text))


def named(rules: Sequence[Known]) -> list[Text]:
    """A few rules, one in a line: whom they mean, and why."""
    shown = [
        words("- %(what)s", what={"list": [part for part in parts(each.rule) if part], "between": " · "})
        for each in rules[:MOST_NAMED]
    ]
    if len(rules) > MOST_NAMED:
        more = len(rules) - MOST_NAMED
        shown.append(words_n("- and %(count)s more rule", "- and %(count)s more rules", more))
    return shown


def parts(rule: Rule) -> tuple[object, ...]:
    """Whom a rule means, and why, as values for a text; what it does not say is None."""
    who: object = {"code": rule.target} if rule.target else words("somebody whose name the list hides")
    return who, words("also what they wrote is to be taken away") if rule.takedown else None, rule.reason


# --- lists of servers ----------------------------------------------------------------------------------------------------------------


async def servers_changed(scene: Scene) -> None:
    """If followed rules shut out other servers than before, have every room's list of servers written anew, once for all that came together."""
    if await shut_out.keep_up(scene.db, await policies.servers(scene.db), scene.now_ms):
        await every_acl(scene)


async def every_acl(scene: Scene) -> None:
    """Have the list of servers of every room written anew."""
    ours = [room.room for room in await rooms.all_rooms(scene.db)]
    slot = f"{await policies.newest(scene.db)}/{scene.now_ms}"
    await due.set_all(scene.db, SERVER_LIST, ours, scene.now_ms, slot)
