"""A rule of a watched list becomes a sanction as soon as it means somebody here; from then on it is carried out like any other. Never acts.

Of a hundred thousand rules only those are sanctions that ever met one of us: the rest is looked up when somebody comes.
"""

from collections.abc import Collection, Sequence

from bridge.moderation import store
from bridge.moderation.book import revealed
from bridge.moderation.judge import ON
from bridge.moderation.model import BAN, Sanction
from bridge.scene import Scene
from bridge.store import policies
from bridge.store.policies import Known
from bridge.words import Text, words


async def become(scene: Scene, rule: Known, user: str, cause: int) -> Sanction:
    """The sanction of a rule that means this person, decided under the ledger row `cause`. The caller has looked that it is none yet."""
    what = rule.rule
    return await store.add(
        scene.db, what.entity, revealed(what, user), what.reason, cause, kind=BAN, until_ms=None, rule=rule.id
    )


async def unmet(scene: Scene, user: str, *states: str) -> tuple[Known, ...]:
    """The rules in these states (followed ones, when none is named) that mean this person and are no sanction yet, oldest first; none if one is."""
    found = await scene.watched.meaning(scene.db, user, states or (ON,))
    if not found:
        return ()
    met = await policies.followed(scene.db)
    return () if any(each.id in met for each in found) else found


async def still(scene: Scene, users: Collection[str], cause: int) -> tuple[Sanction, ...]:
    """Bans of these people are about to be lifted: whom a followed rule means stays banned, under that rule. Gives what became a sanction by that."""
    made = []
    for user in sorted(users):
        for rule in (await unmet(scene, user))[:1]:
            made.append(await become(scene, rule, user, cause))  # noqa: PERF401 - what one becomes, the next one sees
    return tuple(made)


async def every(scene: Scene, entity: str, name: str) -> tuple[Known, ...]:
    """Every followed rule that means this person, or this whole server, a sanction already or not, oldest first."""
    if entity == "user":
        return await scene.watched.meaning(scene.db, name, (ON,))
    found = await scene.watched.meaning(scene.db, f"@:{name}", (ON,))
    return tuple(each for each in found if each.rule.entity == entity)


async def shown(scene: Scene, rules: Sequence[Known]) -> tuple[Text, ...]:
    """These rules, one in a line, each with its list."""
    places = {each.id: each.place for each in await policies.lists(scene.db)}
    return tuple(
        words("- %(what)s", what={"list": [{"code": each.rule.target or "?"}, places.get(each.list, {"code": "?"})], "between": " · "})
        for each in rules
    )  # fmt: skip
