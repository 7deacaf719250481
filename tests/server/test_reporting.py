"""Members of two real homeservers report by reaction, by command and by their client's button; staff looks after it, and one appeal is decided by another."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from matrix_parties import until
from test_hearth import ask, person, running
from test_protecting import is_gone
from test_replacing import settings

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab


async def with_button(lab: Lab, prefix: str, config: Config) -> Config:
    """The same community with an owner, a second member, and the token of an administrator."""
    admin = await lab.a.register(f"{prefix}admin", "pw", admin=True)
    data = config.model_dump()
    data["matrix"] = config.matrix.model_dump() | {"access_token": config.matrix.access_token}
    here, there = lab.a.server_name, lab.b.server_name
    members = [f"@{prefix}eva:{there}", f"@{prefix}cleo:{here}"]
    data["community"]["circles"] = [{**data["community"]["circles"][0], "members": members}]
    data["community"]["owners"] = [f"@{prefix}olga:{here}"]
    data["reports"] = {"admin_token": admin.token}
    return Config.model_validate(data)


async def test_reports_and_an_appeal_over_two_homeservers(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        mira, olga, cleo = [
            await person(stack, lab, f"{prefix}{name}", "a", tmp_path) for name in ("mira", "olga", "cleo")
        ]
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        config = await with_button(lab, prefix, await settings(lab, prefix, tmp_path, "12"))
        hearth = await stack.enter_async_context(opened(config))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        sleep, staff = rooms["circle/sleep"], rooms["staff"]
        async with running(hearth):
            for member in (mira, olga, eva, cleo):
                await member.accept(rooms["space"])
                await member.join(sleep)
            for member in (mira, olga):
                await member.accept(staff)
            evas, cleos = await eva.talk_to(hearth.me), await cleo.talk_to(hearth.me)

            # By reaction, from the other homeserver: nobody sees it for long, and the case says all but the words.
            event = await cleo.say(sleep, "you are all fools")
            await eva.sees(sleep, "you are all fools")
            flag = await eva.react(sleep, event, "🚩")
            await eva.sees_from(hearth.me, evas, "Thank you for telling me")
            case = await mira.sees_from(hearth.me, staff, "Case 1:")
            assert event in case.html
            assert "fools" not in case.text
            await is_gone(cleo, sleep, flag)
            await is_gone(eva, sleep, flag)

            # By command, with a reason that stands encrypted in the direct room: the same case.
            await eva.say(evas, f"report https://matrix.to/#/{sleep}/{event} harm she laughs at us")
            await mira.sees(staff, "she laughs at us")
            await mira.until("of which kind", lambda: "somebody is being hurt" in case.text)

            # By the button of a client, where the homeserver passes it on.
            second = await cleo.say(sleep, "and so on")
            await olga.sees(sleep, "and so on")
            parts: dict[str, Any] = {"room": sleep, "event": second}
            path, body = "/rooms/{room}/report/{event}", {"reason": "again, please look"}
            await olga.matrix.client.request("POST", path, parts=parts, body=body)
            await next(tick for tick in hearth.ticks() if tick.name == "report button").run()
            pressed = await mira.sees(staff, "again, please look")
            assert pressed.text.startswith("Case 2:")

            # Looked after and settled by reaction; who told it hears the end, and was never named.
            await mira.react(staff, case.event, "👀")
            await mira.sees(staff, "looks after this")
            await ask(mira, hearth, staff, f"!mute {cleo.id} 2h please be kind", "can only read now")
            await cleo.sees_from(hearth.me, cleos, "appeal")
            await mira.react(staff, case.event, "👍")
            await eva.sees_from(hearth.me, evas, "did something about it")
            assert not any(eva.id in line.html + line.text for line in mira.lines(staff))

            # The appeal is decided by another than who muted.
            await ask(cleo, hearth, cleos, "appeal I was quoting", "will look at this again")
            appeal = await olga.sees(staff, "I was quoting")
            await mira.react(staff, appeal.event, "👍")
            await mira.sees(staff, "somebody else has to look at it")
            await olga.react(staff, appeal.event, "👍")
            await cleo.sees_from(hearth.me, cleos, "takes it back")

            async def speaks() -> bool:
                return await cleo.can_write(sleep)

            await until(speaks)
