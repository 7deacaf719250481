"""Other people's lists of bans: read, followed, asked about or only shown; taken back as they come; and ours, for others to read."""

import json
from collections.abc import Mapping
from typing import Any

from community import HEARTH, PEOPLE, STAFF
from world import World, on_a_file

from bridge.moderation.policies import hashed, written
from bridge.store.tables import bans, outbox, policy_lists, policy_rules, sanctions
from tests.fake import Member

EVE, DAN, ZED, BEN, ANN = (PEOPLE[name] for name in ("eve", "dan", "zed", "ben", "ann"))
USER, SERVER = "m.policy.rule.user", "m.policy.rule.server"
OURS = "#lantern-bans:a.test"


def ban(entity: str, reason: str | None = "spam", recommendation: str = "m.ban", **more: Any) -> dict[str, Any]:
    return {"entity": entity, "recommendation": recommendation, "reason": reason, **more}


class Keeper:
    """Somebody elsewhere who keeps a list."""

    def __init__(self, world: World, member: Member, room: str) -> None:
        self.world, self.member, self.room = world, member, room

    async def writes(self, kind: str, content: Mapping[str, Any], key: str = "") -> str:
        event = await self.member.state(self.room, kind, dict(content), key or f"rule:{content.get('entity')}")
        await self.world.settle()
        return event

    async def empties(self, kind: str, key: str) -> None:
        await self.member.state(self.room, kind, {}, key)
        await self.world.settle()


async def a_list(world: World, name: str = "bans", **fields: Any) -> Keeper:
    member = await world.hs.user("@warden:c.test")
    settings = {"preset": "public_chat", "room_alias_name": name, **fields}
    return Keeper(world, member, await member.create(**settings))


async def watched(world: World, stance: str, name: str = "bans", **fields: Any) -> Keeper:
    keeper = await a_list(world, name, **fields)
    await watch(world, f"#{name}:a.test", stance)
    return keeper


async def watch(world: World, address: str, stance: str = "") -> None:
    await world.order("mod", f"!rules watch {address} {stance}".strip())

    async def read() -> bool:
        await world.ring("lists")
        return any(row["read_ms"] for row in await world.rows(policy_lists) if row["address"] == address)

    await world.until(read, hurrying=True)  # it is read some seconds after it was entered
    await world.settle()


def said(world: World) -> list[str]:
    return [seen.body for seen in world.from_hearth("#staff")]


async def enters(world: World, *users: str) -> None:
    """These people are in the common room now, as their own server tells it."""
    for user in users:
        world.hs.inject(world.room("#common"), user, "m.room.member", {"membership": "join"}, ts=world.clock(), state_key=user)  # fmt: skip
    await world.settle()


async def agree(world: World, who: str, key: str = "👍") -> None:
    """React to the newest message in the staff room that shows a case, and wait for all that follows."""
    await agree_at_once(world, who, key)
    await world.settle()


async def agree_at_once(world: World, who: str, key: str = "👍") -> None:
    """The same without waiting."""
    shown = [seen for seen in world.from_hearth("#staff") if "Case" in seen.body]
    await world.react("#staff", who, shown[-1].event_id, key)


async def by_the_clock(world: World) -> None:
    await world.ring("redactions")
    await world.ring("published")
    await world.ring("server lists")
    await world.settle()


async def test_a_rule_is_followed_as_it_comes_and_lifting_it_evaluates_again(world: World) -> None:
    keeper = await watched(world, "act")
    assert any("I watch" in line and "0 rules about people" in line for line in said(world))
    await keeper.writes(USER, ban(EVE))
    assert world.banned("@eve") == world.everywhere()
    assert any("bans 1 person" in line and EVE in line and "spam" in line for line in said(world))
    (entry,) = [each for each in await world.ledger() if each.action == "ban"]
    assert (entry.actor, entry.target, entry.reason, entry.rule) == (HEARTH, EVE, "spam", "list #bans:a.test")
    assert entry.outcome == {"done": 5, "refused": {}}
    assert world.hs.room(world.room("#sleep")).content("m.room.member", EVE)["reason"] == "spam"

    # A second rule means the same person, and so does a decision here: one after the other goes, and the ban stays under what is left.
    await keeper.writes(USER, ban("@ev*:b.test"), "rule:glob")
    await keeper.empties(USER, f"rule:{EVE}")
    assert world.banned("@eve") == world.everywhere()
    (standing,) = [row for row in await world.rows(sanctions) if row["lifted_by"] is None]
    assert standing["target"] == "@ev*:b.test"
    assert {row["sanction"] for row in await world.rows(bans)} == {standing["id"]}
    await world.order("mod", f"!ban {EVE} spam")
    await keeper.empties(USER, "rule:glob")
    assert world.banned("@eve") == world.everywhere()
    await world.replay()
    assert world.changes() == []
    await world.order("mod", f"!unban {EVE}")
    assert world.banned("@eve") == set()


@on_a_file
async def test_a_rule_that_is_redacted_or_turned_into_nonsense_is_gone_too(world: World) -> None:
    keeper = await watched(world, "act")
    event = await keeper.writes(USER, ban(EVE))
    await keeper.member.redact(keeper.room, event)
    await world.settle()
    assert world.banned("@eve") == set()
    await keeper.writes(USER, ban(EVE))
    assert world.banned("@eve") == set()  # she is in none of our rooms
    await enters(world, EVE)
    assert world.banned("@eve") == world.everywhere()
    await keeper.writes(USER, {"entity": 7, "recommendation": "m.ban"}, f"rule:{EVE}")
    assert world.banned("@eve") == set()
    for odd in ({"entity": EVE}, ban(EVE, recommendation="fi.mau.meowlnir.unban"), ban("x" * 300), ban(f"{EVE}\n"), {"recommendation": "m.ban", "hashes": {"sha256": "?"}}):  # fmt: skip
        await keeper.writes(USER, odd, "odd")
    assert world.banned("@eve") == set()
    answer = await world.order("mod", "!rules lists")
    assert "0 rules" in answer.body


@on_a_file
async def test_who_comes_later_meets_the_rules_old_names_hashes_and_takedown_included(world: World) -> None:
    late = {name: f"@{name}:d.test" for name in ("one", "two", "three")}
    keeper = await a_list(world)
    await keeper.member.state(keeper.room, "m.room.rule.user", ban(late["one"], recommendation="org.matrix.mjolnir.ban"), "1")  # fmt: skip
    await keeper.member.state(keeper.room, "org.matrix.mjolnir.rule.server", ban("d2.*"), "2")
    kind, key, content = written("user", late["two"], "", as_hash=True)
    await keeper.member.state(keeper.room, kind, content, key)
    await keeper.member.state(keeper.room, SERVER, {"recommendation": "org.matrix.msc4204.takedown", "org.matrix.msc4205.hashes": {"sha256": written("server", "d3.test", "", as_hash=True)[1].removeprefix("rule:")}}, "3")  # fmt: skip
    await watch(world, "#bans:a.test", "act")
    assert any("2 rules about people, 2 about servers" in line for line in said(world))
    await by_the_clock(world)
    assert world.acl("#sleep")["deny"] == ["d2.*"]
    await enters(world, late["one"], late["two"], "@x:d2.test", "@y:d3.test", "@three:d.test")
    for user in (late["one"], late["two"], "@x:d2.test", "@y:d3.test"):
        assert "#common" in world.banned(user), user
    assert world.banned("@three:d.test") == set()
    await by_the_clock(world)
    assert world.acl("#garden")["deny"] == ["d2.*", "d3.test"]
    assert hashed("d3.test") not in str(await world.rows(sanctions))
    await world.replay()
    await by_the_clock(world)
    assert world.changes() == []


@on_a_file
async def test_a_takedown_takes_away_what_they_wrote_before_their_server_is_shut_out(world: World) -> None:
    keeper = await watched(world, "act")
    spam = [await world.say(room, "eve", "buy") for room in ("#sleep", "#common")]
    kept = await world.say("#common", "ann", "tea?")
    await world.settle()
    await keeper.writes(USER, ban(EVE, "not to be told", "m.takedown"))
    await world.ring("redactions")
    await world.settle()
    gone = {event.event_id for room in ("#sleep", "#common") for event in world.hs.timeline(world.room(room)) if event.redacted_because}  # fmt: skip
    assert gone == set(spam)
    assert kept not in gone
    assert "reason" not in world.hs.room(world.room("#sleep")).content("m.room.member", EVE)


@on_a_file
async def test_a_server_is_shut_out_after_what_is_to_be_taken_away_and_what_comes_in_later_goes_too(
    world: World,
) -> None:
    keeper = await watched(world, "act")
    spam = await world.say("#sleep", "eve", "buy")
    await world.settle()
    await keeper.writes(SERVER, ban("b.test", None, "m.takedown"))
    hanging = world.hs.faults.add("hang", path="/redact/", times=1)
    await agree_at_once(world, "mod")
    await world.hs.until(lambda: hanging.hits)
    world.clock.forward(5_000)

    async def shut(room: str) -> bool:
        await world.ring("server lists")
        return bool(world.acl(room))

    await world.until(lambda: shut("#garden"))  # where nothing has to go
    assert not world.acl("#sleep")
    hanging.release()
    await world.until(lambda: shut("#sleep"))
    await world.settle()
    order = [
        event
        for event in world.hs.timeline(world.room("#sleep"))
        if event.type in ("m.room.redaction", "m.room.server_acl")
    ]
    assert [event.type for event in order] == ["m.room.redaction", "m.room.server_acl"]
    assert next(event for event in world.hs.timeline(world.room("#sleep")) if event.event_id == spam).redacted_because

    # A server that nobody here is of is shut out by its rule; what it kept meanwhile goes when the rule is taken back.
    await keeper.writes(SERVER, ban("far.test"))
    await by_the_clock(world)
    assert world.acl("#common")["deny"] == ["b.test", "far.test"]
    world.clock.forward(2 * 60 * 60 * 1000)
    await keeper.empties(SERVER, "rule:far.test")
    await by_the_clock(world)
    await enters(world, "@far:far.test")
    assert await world.comes_late("@far:far.test") == (True, False)
    assert "1 row" in (await world.order("mod", "!ledger shut out far.test")).body


@on_a_file
async def test_what_means_us_everybody_or_a_tenth_of_us_waits_for_people(world: World) -> None:
    keeper = await watched(world, "act")
    world.hs.mark()
    for number, (kind, entity) in enumerate(
        [(SERVER, "*"), (USER, "*"), (USER, "@*:*"), (SERVER, "a.test"), (SERVER, "?.test"), (USER, PEOPLE["mod"]), (USER, HEARTH)]
    ):  # fmt: skip
        await keeper.writes(kind, ban(entity), str(number))
        await by_the_clock(world)
    assert {world.name_of(room) for user in PEOPLE.values() for room in world.hs.banned(user)} == set()
    assert not [
        each for each in world.changes() if each.path.endswith(("/ban", "m.room.server_acl", "m.room.server_acl/"))
    ]
    assert sum("mean us, our own server" in line for line in said(world)) == 7
    await agree(world, "olga")  # about ourselves: even then nobody of staff is touched
    assert world.banned(HEARTH) == set()

    # Two of eight are more than a tenth.
    await keeper.writes(USER, ban("@*:b.test"), "tenth")
    assert world.banned("@eve") == set()
    shown = [line for line in said(world) if "would ban many people" in line]
    assert len(shown) == 1
    assert "3 people who are here" in shown[0]
    await agree(world, "mod")
    assert {"@eve", "@dan", "@zed"} <= {f"@{name}" for name in PEOPLE if world.banned(f"@{name}")}
    await keeper.empties(USER, "tenth")
    assert world.banned("@eve") == set()
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_a_refused_rule_stays_refused_and_a_case_whose_rules_are_gone_ends(world: World) -> None:
    keeper = await watched(world, "act")
    await keeper.writes(USER, ban("@*:b.test"), "wide")
    await agree(world, "mod", "👎")
    await world.restart()
    await world.settle()
    assert world.banned("@eve") == set()
    (rule,) = await world.rows(policy_rules)
    assert rule["state"] == "refused"
    await keeper.writes(USER, ban("@?*:b.test"), "wider")
    await keeper.empties(USER, "wider")
    assert any("took them back" in line for line in said(world))
    assert "settled already" not in said(world)[-1]


@on_a_file
async def test_over_twenty_five_people_take_two_moderators(world: World) -> None:
    keeper = await watched(world, "act")
    await enters(world, *(f"@n{number}:e.test" for number in range(26)))
    await keeper.writes(USER, ban("@n*:e.test"), "many")
    await agree(world, "mod")
    assert world.banned("@n1:e.test") == set()
    assert "does another moderator say so" in said(world)[-1]
    await agree(world, "mod")
    assert world.banned("@n1:e.test") == set()
    assert "another moderator has to" in said(world)[-1]
    shown = [seen for seen in world.from_hearth("#staff") if "does another moderator" in seen.body][-1]
    await world.react("#staff", "olga", shown.event_id, "👍")
    await world.settle()
    assert all(world.banned(f"@n{number}:e.test") == {"#common"} for number in range(26))


@on_a_file
async def test_a_list_to_be_asked_about_asks_once_for_who_is_here_and_who_comes(world: World) -> None:
    keeper = await watched(world, "")
    await keeper.writes(USER, ban(EVE), "eve")
    assert world.banned("@eve") == set()
    assert "ask you first" in [line for line in said(world) if "Case" in line][-1]
    await agree(world, "mod")
    assert world.banned("@eve") == world.everywhere()
    await keeper.writes(USER, ban("@late:*"), "late")
    await keeper.writes(SERVER, ban("f.test"), "server")
    await by_the_clock(world)
    assert world.acl("#sleep") == {}
    cases = sum("Case" in line for line in said(world))
    for user in ("@late:f.test", "@late:g.test"):
        await enters(world, user)
    assert sum("Case" in line for line in said(world)) == cases + 1
    await agree(world, "mod")
    assert "#common" in world.banned("@late:f.test")
    await by_the_clock(world)
    assert world.acl("#sleep")["deny"] == ["f.test"]

    # Only shown from now on: nothing of it is followed any more, and everybody can be looked up.
    await world.order("mod", "!rules watch #bans:a.test show")
    await by_the_clock(world)
    assert world.banned("@eve") == set()
    assert world.acl("#sleep")["deny"] == []
    answer = await world.order("mod", f"!rules about {EVE}")
    assert "1 rule means" in answer.body
    assert "only shown" in answer.body
    await world.replay()
    await by_the_clock(world)
    assert world.changes() == []


@on_a_file
async def test_an_exception_is_made_by_unban_and_lasts(world: World) -> None:
    keeper = await watched(world, "act")
    await keeper.writes(USER, ban(EVE))
    await keeper.writes(USER, ban("@newcomer:b.test"))
    answer = await world.order("mod", f"!unban {EVE}")
    assert "lifted" in answer.body
    assert world.banned("@eve") == set()
    await enters(world, EVE)
    assert world.banned("@eve") == set()
    await world.order("mod", "!unban @newcomer:b.test")
    await enters(world, "@newcomer:b.test")
    assert world.banned("@newcomer:b.test") == set()


@on_a_file
async def test_no_list_shuts_out_a_server_of_staff_and_a_servers_exception_is_made_by_its_name(world: World) -> None:
    await world.member("mod").invite(world.room("#staff"), DAN)
    await world.member("dan").join(world.room("#staff"))
    keeper = await watched(world, "act")
    for entity in ("b.test", "far.test", "*.far.test"):
        await keeper.writes(SERVER, ban(entity))
    await agree(world, "mod")
    await by_the_clock(world)
    assert (world.banned("@dan"), world.banned("@eve")) == (set(), {"#space", "#common", "#sleep"})
    assert world.acl("#sleep")["deny"] == ["*.far.test", "far.test"]
    assert world.hearth
    assert (await world.hearth.plan()).changes == ()
    assert "lifted" in (await world.order("mod", "!unban far.test")).body
    shown = await world.order("mod", "!unban evil.far.test")
    assert "*.far.test" in shown.body
    await world.react("#staff", "mod", shown.event_id, "👍")
    await by_the_clock(world)
    assert world.acl("#sleep")["deny"] == []

    # The same of what was decided here, by servers and by all their people.
    await world.order("mod", "!ban *.bad.test")
    await world.order("mod", "!ban @*:evil.bad.test")
    assert "2 decisions" in (await world.order("mod", "!sanctions evil.bad.test")).body
    shown = await world.order("mod", "!unban evil.bad.test")
    assert "@*:evil.bad.test" in shown.body
    await world.react("#staff", "mod", shown.event_id, "👍")
    await world.settle()
    assert [row["target"] for row in await world.rows(sanctions) if row["lifted_by"] is None] == ["b.test"]


@on_a_file
async def test_a_list_that_cannot_be_read_is_told_once_keeps_what_it_said_and_comes_back(world: World) -> None:
    keeper = await watched(world, "act")
    await keeper.writes(USER, ban(EVE))
    await keeper.member.ban(keeper.room, HEARTH)
    await world.settle()
    assert "I was banned from it" in said(world)[-1]
    for _ in range(3):
        world.clock.forward(60 * 60 * 1000)
        await world.ring("lists")
        await world.settle(hurrying=True)
    assert sum("I cannot read" in line for line in said(world)) == 1
    assert world.banned("@eve") == world.everywhere()
    # Whoever asks for it hears at once how it stands, whatever was told before.
    assert "I try at once" in (await world.order("mod", "!rules watch #bans:a.test act")).body

    async def told_again() -> bool:
        await world.ring("lists")
        return sum("I cannot read" in line for line in said(world)) == 2

    await world.until(told_again, hurrying=True)
    await keeper.member.unban(keeper.room, HEARTH)
    await keeper.writes(USER, {}, f"rule:{EVE}")
    await keeper.writes(USER, ban(DAN))
    await world.order("mod", "!rules watch #bans:a.test act")

    async def back() -> bool:
        await world.ring("lists")
        return any("I can read" in line for line in said(world))

    await world.until(back, hurrying=True)
    await world.settle()
    assert (world.banned("@eve"), world.banned("@dan")) == (set(), world.everywhere())
    await world.order("mod", "!rules watch #nowhere:a.test")
    await world.ring("lists")
    await world.settle()
    assert "There is no such room" in said(world)[-1]
    answer = await world.order("mod", "!rules lists")
    assert "M_NOT_FOUND" in answer.body


@on_a_file
async def test_what_the_list_said_while_hearth_was_down_or_killed_in_the_middle_holds_afterwards(world: World) -> None:
    keeper = await watched(world, "act")
    await keeper.writes(USER, ban(EVE))
    world.clock.forward(60 * 60 * 1000)  # two of eight within the hour would wait for people
    await world.stop()
    await keeper.member.state(keeper.room, USER, {}, f"rule:{EVE}")
    await keeper.member.state(keeper.room, USER, ban(DAN), "dan")
    await world.start()
    await world.settle()
    assert (world.banned("@eve"), world.banned("@dan")) == (set(), world.everywhere())
    # Hearth is cut off in the middle of lifting it.
    hanging = world.hs.faults.add("hang", path="/unban$", times=None)
    await keeper.member.state(keeper.room, USER, {}, "dan")
    await world.hs.until(lambda: hanging.hits)
    await world.stop()
    hanging.release()
    await world.start()
    await world.settle()
    assert world.banned("@dan") == set()
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_no_longer_watched_means_nothing_of_it_holds_and_the_room_is_left(world: World) -> None:
    keeper = await watched(world, "act")
    await keeper.writes(USER, ban(EVE))
    await keeper.writes(SERVER, ban("far.test"))
    await by_the_clock(world)
    assert world.acl("#sleep")["deny"] == ["far.test"]
    answer = await world.order("mod", "!rules unwatch #bans:a.test")
    assert "do not watch" in answer.body
    await by_the_clock(world)
    assert world.banned("@eve") == set()
    assert world.acl("#sleep")["deny"] == []
    assert HEARTH not in world.hs.members(keeper.room)
    await keeper.writes(USER, ban(DAN))
    assert world.banned("@dan") == set()


@on_a_file
async def test_our_bans_stand_in_a_list_of_ours_and_a_lifted_one_is_emptied(world: World) -> None:
    await world.order("mod", f"!ban {EVE} she told me something private")
    await world.order("mod", "!rules publish")
    await by_the_clock(world)
    assert "From now on our bans stand in" in said(world)[-1]
    room = world.hs.room(OURS)
    assert room.content("m.room.create")["type"] == "m.policy"
    assert room.content(USER, f"rule:{EVE}") == {"entity": EVE, "recommendation": "m.ban", "reason": "banned in this community"}  # fmt: skip
    await world.order("mod", "!ban far.test spam")
    await world.order("mod", f"!mute {BEN} 1h")
    await by_the_clock(world)
    assert room.content(SERVER, "rule:far.test")["entity"] == "far.test"
    assert not room.content(USER, f"rule:{BEN}")
    assert "private" not in str([event.content for event in world.hs.timeline(OURS)])
    stranger = await world.hs.user("@warden:c.test")
    await stranger.join(OURS)
    await world.order("mod", f"!unban {EVE}")
    await by_the_clock(world)
    assert room.content(USER, f"rule:{EVE}") == {}
    await world.order("mod", "!rules publish hashed")
    await by_the_clock(world)
    assert room.content(SERVER, "rule:far.test") == {}
    kind, key, content = written("server", "far.test", "banned in this community", as_hash=True)
    assert room.content(kind, key) == content
    await world.replay()
    await by_the_clock(world)
    assert world.changes() == []
    await world.order("mod", "!rules publish off")
    await by_the_clock(world)
    assert room.content(kind, key) == {}
    assert OURS not in world.everywhere()
    assert "#lantern-bans" not in world.banned(EVE)


@on_a_file
async def test_a_list_that_we_have_already_can_be_written_and_watched_and_never_answers_itself(world: World) -> None:
    keeper = await watched(world, "act", power_level_content_override={"users": {HEARTH: 50}})
    await keeper.writes(USER, ban(DAN), "theirs")
    await world.order("mod", "!rules publish #bans:a.test")
    await world.order("mod", f"!ban {EVE} spam")

    async def there() -> bool:
        await world.ring("lists")
        await by_the_clock(world)
        return bool(world.hs.room(keeper.room).content(USER, f"rule:{EVE}"))

    await world.until(there)
    assert len(await world.rows(policy_rules)) == 1
    await world.order("mod", f"!unban {EVE}")
    await by_the_clock(world)
    assert world.hs.room(keeper.room).content(USER, f"rule:{EVE}") == {}
    assert (world.banned("@eve"), world.banned("@dan")) == (set(), world.everywhere())


@on_a_file
async def test_what_mjolnir_draupnir_and_meowlnir_watched_is_taken_over(world: World) -> None:
    rooms = [(await a_list(world, name)).room for name in ("one", "two", "three")]
    hearth = world.hs.model.accounts.ensure(HEARTH)
    link = f"https://matrix.to/#/{rooms[0]}?via=a.test"
    world.hs.model.set_account_data(hearth, "", "org.matrix.mjolnir.watched_lists", {"references": [link, 7, "x"]})
    lists = [{"room_id": rooms[1], "name": "Two", "shortcode": "two", "dont_apply": True}, {"room_id": "no"}]
    await world.member("olga").state(world.room("#staff"), "fi.mau.meowlnir.watched_lists", {"lists": lists})
    await world.order("mod", "!rules import")
    await world.ring("lists")
    await world.settle()
    assert "I found 2 lists" in said(world)[-1]
    await world.order("mod", "!rules import #one:a.test #three:a.test")

    async def read() -> bool:
        await world.ring("lists")
        return sum(bool(row["read_ms"]) for row in await world.rows(policy_lists)) == 3

    await world.until(read, hurrying=True)  # it is read some seconds after it was entered
    await world.settle()
    kept = {row["room"]: row["stance"] for row in await world.rows(policy_lists) if row["stance"]}
    assert kept == {rooms[0]: "act", rooms[1]: "show", rooms[2]: "act"}


@on_a_file
async def test_a_list_whose_id_names_no_server_is_asked_for_at_the_servers_of_our_people(world: World) -> None:
    held = world.hs.faults.add("hang", path="/join/", times=None)
    for room in ("!nobodyknows", "!known:c.test"):
        await world.order("mod", f"!rules watch {room}")
    await world.ring("lists")
    await world.hs.until(lambda: held.hits)
    via = {json.loads(row["payload"])["room"]: json.loads(row["payload"])["via"] for row in await world.rows(outbox) if row["kind"] == "Join" and row["state"] == "due"}  # fmt: skip
    assert via == {"!nobodyknows": ["a.test", "b.test"], "!known:c.test": ["c.test"]}
    held.release()


@on_a_file
async def test_who_links_to_a_room_that_a_list_bans_is_noticed(world: World) -> None:
    room = "m.policy.rule.room"
    keeper = await watched(world, "act")
    await keeper.writes(room, ban("!bad:c.test"))
    await keeper.writes(room, ban(world.room("#sleep")))  # of ours, by whomever: that is never taken away
    await keeper.writes(room, {"recommendation": "m.ban", "hashes": {"sha256": written("user", "#hidden:c.test", "", as_hash=True)[1].removeprefix("rule:")}}, "hidden")  # fmt: skip
    asked = await watched(world, "ask", "more")
    await asked.writes(room, ban("#odd*:c.test"))
    await world.order("mod", "!ban @nobody:c.test")
    lines = {
        "look: https://matrix.to/#/!bad:c.test?via=c.test": True,
        "or matrix:r/hidden:c.test": True,
        "and #oddities:c.test": False,
        f"ours: https://matrix.to/#/{world.room('#sleep')}": False,
        "!other:c.test": False,
    }
    events = {await world.say("#common", "eve", text): gone for text, gone in lines.items()}
    await world.say("#common", "mod", "staff may say !bad:c.test")
    await world.settle()
    seen = {event.event_id: bool(event.redacted_because) for event in world.hs.timeline(world.room("#common"))}
    assert {event: seen[event] for event in events} == events
    assert sum("a room that a list of bans names" in line for line in said(world)) == 1  # one case of one person
    findings = [each for each in await world.ledger() if each.rule == "listed_rooms"]
    assert len(findings) == 3
    await keeper.empties(room, "rule:!bad:c.test")
    again = await world.say("#common", "eve", "https://matrix.to/#/!bad:c.test")
    await world.settle()
    assert not next(
        event for event in world.hs.timeline(world.room("#common")) if event.event_id == again
    ).redacted_because


@on_a_file
async def test_members_ask_for_the_rules_of_the_community_and_only_moderators_for_lists(world: World) -> None:
    assert any("Be kind" in line for line in await world.ask("ben", "rules"))
    assert any("is for moderators" in line for line in await world.ask("ben", "rules lists"))
    assert await world.rows(policy_lists) == []
    assert len(STAFF) == 2
