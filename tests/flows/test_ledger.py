"""The ledger is written before the act and its outcome after it; staff searches it, and it is written whole to a file."""

import csv
import io
import json

from community import PEOPLE
from world import World

from bridge.ledger_file import COLUMNS, line, written
from bridge.store.ledger import Entry

EVE, DAN, MOD = PEOPLE["eve"], PEOPLE["dan"], PEOPLE["mod"]


async def test_staff_searches_by_person_time_and_action_and_reads_it_in_pages(world: World) -> None:
    await world.order("mod", f"!note {EVE} was here before")
    await world.order("olga", f"!mute {DAN} 1h rest")
    for number in range(12):
        await world.order("mod", f"!note {DAN} number {number}")
    first = await world.order("mod", "!ledger")
    assert "14 rows" in first.body
    assert "Page 1 of 2" in first.body
    second = await world.order("mod", "!ledger 2")
    assert "was here before" in second.body
    mine = await world.order("mod", f"!ledger {EVE}")
    assert "1 row" in mine.body
    by_actor = await world.order("mod", f"!ledger {PEOPLE['olga']}")
    assert "mute" in by_actor.body
    assert "done" in by_actor.body
    assert "1 row" in (await world.order("mod", "!ledger mute")).body
    world.clock.forward(3 * 60 * 60 * 1000)
    await world.order("mod", f"!note {EVE} later")
    for order in (f"!ledger {EVE} 2h", f"!ledger 2h {EVE}", "!ledger note 2h"):
        assert "1 row" in (await world.order("mod", order)).body
    await world.order("mod", "!lock #sleep 1h")
    assert "1 row" in (await world.order("mod", "!ledger #sleep")).body
    assert "moderators" in (await world.ask("ann", "ledger"))[0]


async def test_it_is_written_whole_as_json_lines_and_as_csv_while_hearth_runs(world: World) -> None:
    await world.order("mod", f"!ban {EVE} =cmd()")
    where = world.config.database.url or world.config.data_dir / "hearth.db"
    (row,) = [json.loads(each) async for each in written(where, "jsonl")]
    assert (row["actor"], row["action"], row["target"], row["reason"]) == (MOD, "ban", EVE, "=cmd()")
    assert row["outcome"] == {"done": 5, "refused": {}}
    assert row["at"].endswith("+00:00")
    head, cells = csv.reader(io.StringIO("\n".join([each async for each in written(where, "csv")])))
    assert tuple(head) == COLUMNS
    found = dict(zip(head, cells, strict=True))
    assert (found["reason"], found["target"], found["actor"]) == ("'=cmd()", f"'{EVE}", f"'{MOD}")


def test_a_row_that_is_under_way_has_no_outcome_and_a_line_break_stays_one_row() -> None:
    entry = Entry(id=1, at_ms=0, actor="@m:a", action="ban", target="evil", reason="a\nb", rule=None, room=None, event=None,
                  outcome=None, settled_ms=None)  # fmt: skip
    assert json.loads(line(entry, "jsonl"))["outcome"] is None
    assert len(list(csv.reader(io.StringIO(line(entry, "csv"))))) == 1
    assert "1970-01-01T00:00:00+00:00" in line(entry, "csv")
