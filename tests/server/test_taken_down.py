"""What a Meowlnir watched is read, links to rooms it bans go, a hand's changes to a list of servers are put right, and a takedown empties before it shuts out. On two homeservers."""

from contextlib import AsyncExitStack
from pathlib import Path

from sqlalchemy import func, select
from test_circle_life import order
from test_hearth import person, running
from test_lists_of_bans import SERVER, warden_of
from test_moderating import bans
from test_orders_and_lists import led_by
from test_protecting import is_gone
from test_replacing import is_so, moved_in, settings, state

from bridge.app import opened
from bridge.demo.homeservers import Lab
from bridge.hearth import Hearth
from bridge.store.tables import policy_rules

ACL, ROOM = "m.room.server_acl", "m.policy.rule.room"


async def redactions_and_lists(hearth: Hearth, room: str) -> list[str]:
    """What was taken away there, and that the list of servers changed, in the order in which it stands in the room: the event, or `list`."""
    newest = reversed(list(await hearth.matrix.gateway.recent(room, 50)))
    return [
        "list" if raw["type"] == ACL else str(raw["content"].get("redacts") or raw.get("redacts"))
        for raw in newest
        if raw["type"] in (ACL, "m.room.redaction")
    ]


async def test_a_list_that_names_rooms_and_takes_a_server_down(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        olga, mira = [await person(stack, lab, f"{prefix}{name}", "a", tmp_path) for name in ("olga", "mira")]
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        warden = await warden_of(stack, lab, prefix)
        config = led_by(await settings(lab, prefix, tmp_path, "12"), olga.id, mira.id)
        hearth = await stack.enter_async_context(opened(config))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        staff, sleep, common = rooms["staff"], rooms["circle/sleep"], rooms["common"]

        async def deny() -> list[str]:
            return list((await state(hearth, sleep, ACL)).get("deny", []))

        async def rules() -> int:
            async with hearth.database.reading() as db:
                return int(await db.scalar(select(func.count()).select_from(policy_rules)) or 0)

        async with running(hearth):
            await moved_in(mira, eva, rooms)
            await olga.accept(rooms["space"])
            await olga.accept(staff)
            await olga.join(sleep)

            # A Meowlnir was told in this room which lists to watch.
            kept = {"lists": [{"room_id": warden.room, "name": "Bans", "shortcode": "bans"}]}
            parts = {"room": staff, "kind": "fi.mau.meowlnir.watched_lists", "key": ""}
            await olga.matrix.client.request("PUT", "/rooms/{room}/state/{kind}/{key}", parts=parts, body=kept)
            await order(mira, hearth, staff, "!rules import", "I look for what they watched")
            await mira.sees_from(hearth.me, staff, "I found 1 list")
            await mira.sees_from(hearth.me, staff, "0 rules about people")

            # Whoever links to a room that it bans: the link goes, on both homeservers, and staff has a case.
            await warden.writes(ROOM, "1", {"entity": "!bad:c.test", "recommendation": "m.ban", "reason": "x"})
            await is_so(rules, 1)
            link = await eva.say(common, "look: https://matrix.to/#/!bad:c.test?via=c.test")
            for reader in (mira, eva):
                await is_gone(reader, common, link)
            await mira.sees_from(hearth.me, staff, "a room that a list of bans names")

            # A hand empties a room's list of servers and adds one: ours is put back, and theirs stays.
            await order(mira, hearth, staff, "!ban far.test", "is banned from all")
            await is_so(deny, ["far.test"])
            parts = {"room": sleep, "kind": ACL, "key": ""}
            by_hand = {"allow": ["*"], "deny": ["more.test"]}
            await olga.matrix.client.request("PUT", "/rooms/{room}/state/{kind}/{key}", parts=parts, body=by_hand)
            await is_so(deny, ["far.test", "more.test"])

            # A takedown of a server whose people are here waits for staff; then all that they wrote is gone before the server is shut out.
            before = {line.event for line in mira.lines(staff)}
            spam = await eva.say(sleep, "buy")
            await mira.sees(sleep, "buy")
            await warden.writes(
                SERVER, "2", {"entity": lab.b.server_name, "recommendation": "m.takedown", "reason": "x"}
            )
            question = await mira.until(
                "a takedown",
                lambda: next(
                    (each for each in mira.lines(staff) if each.event not in before and lab.b.host in each.text),
                    None,
                ),
            )
            assert lab.b.host not in await deny()
            await mira.react(staff, question.event, "👍")
            await is_so(deny, sorted([lab.b.host, "far.test", "more.test"]))
            await is_gone(mira, sleep, spam)
            await is_so(lambda: bans(hearth, rooms, eva.id), {"space", "common", "circle/sleep"})  # where she was
            done = await redactions_and_lists(hearth, sleep)
            assert done.index(spam) < len(done) - 1 - done[::-1].index("list")
