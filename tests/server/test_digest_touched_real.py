"""Digests on two real federated homeservers, in an encrypted and in an open direct room.

They are corrected in place, stopped by one touch; and who is mentioned hears of it at once.
"""

from contextlib import AsyncExitStack
from pathlib import Path

from test_hearth import ask, person, running

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Line, Member
from bridge.digest.letter import OFFERED
from bridge.hearth import Hearth


async def settings(lab: Lab, prefix: str, directory: Path, members: list[str]) -> Config:
    account = await lab.a.register(f"{prefix}hearth", "pw")
    rooms = {key: {"name": key.capitalize(), "alias": f"{prefix}{key}", "encrypted": False} for key in ("space", "common", "staff")}  # fmt: skip
    del rooms["space"]["encrypted"]
    sleep = {"name": "Sleep", "tag": "sleep", "alias": f"{prefix}sleep", "encrypted": False, "members": members}
    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "password": "pw"},
            "data_dir": str(directory / "data"),
            "digest": {"gather_seconds": 1},
            "community": {**rooms, "circles": [sleep], "onboarding": False, "assign": False},
        }
    )


async def opens(member: Member, hearth: Hearth, *, encrypted: bool) -> str:
    """The direct room that somebody makes with Hearth."""
    if encrypted:
        room = await member.talk_to(hearth.me)
    else:
        made = await member.matrix.client.request(
            "POST", "/createRoom", body={"preset": "trusted_private_chat", "is_direct": True, "invite": [hearth.me]}
        )
        room = str(made["room_id"])
    await member.until("Hearth", lambda: member.hears(hearth.me, room))
    return room


def digest(member: Member, hearth: Hearth, room: str) -> Line | None:
    """The digest on somebody's screen."""
    return next((line for line in member.lines(room) if line.sender == hearth.me and "Your digest" in line.text), None)


async def test_a_digest_is_corrected_and_stopped_and_a_mention_is_told_at_once(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        nora = await person(stack, lab, f"{prefix}nora", "b", tmp_path)
        config = await settings(lab, prefix, tmp_path, [mira.id, eva.id, nora.id])
        hearth = await stack.enter_async_context(opened(config))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        sleep = rooms["circle/sleep"]
        async with running(hearth):
            for member in (mira, eva, nora):
                await member.accept(rooms["space"])
                await member.join(sleep)
            direct = {eva: await opens(eva, hearth, encrypted=True), mira: await opens(mira, hearth, encrypted=False)}
            slip = await nora.say(sleep, "My number is 555.")
            gone = await nora.say(sleep, "I regret this.")
            shown: dict[Member, Line] = {}
            for member, room in direct.items():
                await member.sees(sleep, "I regret this.")
                await ask(member, hearth, room, "follow #sleep", "You now follow")
                await member.say(room, "digest now")
                found = await member.until(
                    "a digest", lambda member=member, room=room: digest(member, hearth, room), 40
                )
                assert "555" in found.text
                assert "I regret this." in found.text
                assert found.encrypted is (member is eva)
                shown[member] = found
                # One touch is enough: what can be touched stands there.
                await member.until(
                    "four signs", lambda found=found: len({key for _, key in found.reactions} & {*OFFERED}) == 4, 40
                )

            await nora.edit(sleep, slip, "Call me.")
            await nora.redact(sleep, gone)
            for member, found in shown.items():
                await member.until(
                    "the corrected digest",
                    lambda found=found: "Call me." in found.text and "555" not in found.text and "regret" not in found.text,
                )  # fmt: skip
                assert found.edited
                assert len([line for line in member.lines(found.room) if "Your digest" in line.text]) == 1

            # One touch, in the encrypted room, over the federation.
            await eva.react(direct[eva], shown[eva].event, "🛑")
            await eva.sees_from(hearth.me, direct[eva], "No more digests from now on.")

            # Mentioned over the federation; eva, whose digests are off, asked for none of this, and then does.
            both = {"m.mentions": {"user_ids": [mira.id, eva.id]}}
            await nora.say(sleep, "What do you two do at three?", **both)
            told = await mira.sees_from(hearth.me, direct[mira], "What do you two do at three?")
            assert told.text.startswith("You are mentioned by: ")
            await ask(eva, hearth, direct[eva], "notify on", "I tell you at once")
            assert not any("at three" in line.text for line in eva.lines(direct[eva]))
            await nora.say(sleep, "And at four?", **both)
            told = await eva.sees_from(hearth.me, direct[eva], "And at four?")
            assert told.encrypted
            assert "at three" not in told.text

            # A bell on a message of the other homeserver follows its thread. Who blocks somebody is heard of by them no more than they themselves hear.
            root = await nora.say(sleep, "a walk on Sunday?")
            await mira.sees(sleep, "a walk on Sunday?")
            await mira.react(sleep, root, "🔔")
            await mira.sees_from(hearth.me, direct[mira], "You now follow a thread in #sleep")
            private = await opens(nora, hearth, encrypted=False)
            await ask(nora, hearth, private, "follow #sleep", "You now follow")
            await eva.say(direct[eva], f"block {nora.id}")
            await eva.sees_from(hearth.me, direct[eva], "neither your digest tells of")
            assert not any("block" in line.text for line in nora.lines(private))
            await eva.say(sleep, "from eva")
            await mira.say(sleep, "from mira")
            await nora.sees(sleep, "from eva")
            await mira.sees(sleep, "from eva")  # by now it is on Hearth's homeserver, too
            await nora.sees(sleep, "from mira")
            await nora.say(private, "digest now")
            theirs = await nora.until("a digest", lambda: digest(nora, hearth, private))
            assert ("from mira" in theirs.text, "from eva" in theirs.text) == (True, False)

            # A chat that its member replaced is not used any more: their client would not show them what is said there.
            parts = {"room": direct[mira]}
            await mira.matrix.client.request("POST", "/rooms/{room}/upgrade", parts=parts, body={"new_version": "11"})
            await mira.say(sleep, f"!follow {nora.id}")
            anew = await mira.until("an invitation", lambda: next(iter(mira.invites), None), 40)
            await mira.accept(anew)
            await mira.sees_from(hearth.me, anew, "You now follow", 40)
