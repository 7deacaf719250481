"""Less and more: the four steps of how often a digest comes and how much is in it; pure but for `step`. Never makes a digest."""

from collections.abc import Sequence
from typing import Literal

from bridge.digest import rhythm
from bridge.scene import Scene
from bridge.store import people
from bridge.store.people import Person
from bridge.words import Text, words, words_n

Way = Literal["less", "more"]
Rung = tuple[str, int]
"""How often (daily, weekly), and how many conversations at most."""


def rungs(most_items: int) -> Sequence[Rung]:
    """From the most to the least: what a community shows (`digest.most_items`), and half of that, each daily and weekly."""
    few = max(most_items // 2, 1)
    return [(how, most) for how in ("daily", "weekly") for most in dict.fromkeys((most_items, few))]


def most_of(person: Person, most_items: int) -> int:
    """How many conversations this person's digest shows at most, where the community shows so many."""
    return min(person.digest_most or most_items, most_items)


def next_rung(how: str, most: int, most_items: int, way: Way) -> Rung | None:
    """One step from where somebody is; None at the end."""
    all_rungs = rungs(most_items)
    here = next((n for n, (often, items) in enumerate(all_rungs) if often == how and items <= most), len(all_rungs) - 1)
    there = here + (1 if way == "less" else -1)
    return all_rungs[there] if 0 <= there < len(all_rungs) else None


async def step(scene: Scene, user: str, way: Way) -> Text:
    """Less or more for this person from now on; what they are told."""
    person = await people.get(scene.db, user)
    most_items = scene.config.digest.most_items
    if person.digest == "off":
        return words("You get no digests now; %(daily)s brings them back.", daily={"command": "digest daily"})
    found = next_rung(person.digest, most_of(person, most_items), most_items, way)
    if found is None and way == "less":
        return words("It is as little as it can be already. React with 🛑 to get none, or write %(command)s for what you do not want to hear of.", command={"command": "help mute"})  # fmt: skip
    if found is None:
        return words("It is as much as it can be already. %(now)s gives you one at any time, and %(follow)s brings you more of what you like.", now={"command": "digest now"}, follow={"command": "help follow"})  # fmt: skip
    how, most = found
    if how != person.digest:
        await rhythm.begin(scene, user, how)
    await people.change(scene.db, user, digest_most=None if most == most_items else most)
    return told(how, most, rhythm.weekday_of(await people.get(scene.db, user)))


def told(how: str, most: int, weekday: int | None) -> Text:
    """One sentence that says how it is from now on."""
    if how == "daily" or weekday is None:
        return words_n(
            "From now on your digest comes every day and shows %(count)s conversation at most.",
            "From now on your digest comes every day and shows %(count)s conversations at most.",
            most,
        )
    return words_n(
        "From now on your digest comes once a week, on %(day)s, and shows %(count)s conversation at most.",
        "From now on your digest comes once a week, on %(day)s, and shows %(count)s conversations at most.",
        most,
        day={"weekday": weekday},
    )
