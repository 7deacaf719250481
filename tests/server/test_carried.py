"""Encrypted circles and an encrypted common room on two real homeservers: files of a remote member, edits, and words whose key comes late."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from matrix_parties import until
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment
from test_hearth import person, running

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member

CAT = bytes(range(256)) * 1000
SMALL_CAT = b"a small cat"
MOST = 10_000_000


async def settings(lab: Lab, prefix: str, directory: Path) -> Config:
    """Everything is encrypted; eva is in the circle, jonas is not, and both live on the other homeserver."""
    account = await lab.a.register(f"{prefix}hearth", "pw")
    here, there = lab.a.server_name, lab.b.server_name
    circles = [
        {"name": tag, "tag": tag, "alias": f"{prefix}{tag}", "members": [f"@{prefix}{who}:{there}"]}
        for tag, who in (("sleep", "eva"), ("garden", "jonas"))
    ]
    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "access_token": account.token},
            "data_dir": str(directory / "data"),
            "community": {
                "space": {"name": "Home", "alias": f"{prefix}home"},
                "common": {"name": "Common", "alias": f"{prefix}common"},
                "staff": {"name": "Staff", "alias": f"{prefix}staff"},
                "circles": circles,
                "moderators": [f"@{prefix}mira:{here}"],
                "onboarding": False,
            },
        }
    )


async def closed(member: Member, data: bytes) -> dict[str, Any]:
    """A file as a client seals it and uploads it to its own homeserver."""
    ciphertext, keys = encrypt_attachment(data)
    return {**keys, "url": await member.matrix.client.upload(ciphertext, "application/octet-stream")}


async def opens(member: Member, file: Mapping[str, Any]) -> bytes:
    """What a member's client makes of a sealed file that it gets from its own homeserver."""
    ciphertext, _ = await member.matrix.client.download(file["url"], MOST)
    return decrypt_attachment(ciphertext, file["key"]["k"], file["hashes"]["sha256"], file["iv"])


async def test_what_a_remote_member_says_in_an_encrypted_circle_is_carried_whole(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        jonas = await person(stack, lab, f"{prefix}jonas", "b", tmp_path)
        hearth = await stack.enter_async_context(opened(await settings(lab, prefix, tmp_path)))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        circle, common = rooms["circle/sleep"], rooms["common"]
        async with running(hearth):
            for member in (eva, jonas):
                await member.accept(rooms["space"])
                await member.join(common)
            await eva.join(circle)
            root = await eva.say(circle, "Look at him #common")
            copy = await jonas.sees(common, "Look at him", seconds=40)
            assert copy.encrypted

            # Her picture is on her homeserver, under a key that only her circle has.
            picture = {
                "msgtype": "m.image", "filename": "cat.png", "file": await closed(eva, CAT),
                "info": {"mimetype": "image/png", "size": len(CAT), "thumbnail_file": await closed(eva, SMALL_CAT)},
                "m.relates_to": {"rel_type": "m.thread", "event_id": root, "is_falling_back": True},
            }  # fmt: skip
            event = await eva.say(circle, "my cat", **picture)
            line = await jonas.sees(common, "my cat", thread=copy.event, seconds=40)
            assert (line.msgtype, line.encrypted) == ("m.image", True)
            for old, new, data in (
                (picture["file"], line.raw["file"], CAT),
                (picture["info"]["thumbnail_file"], line.raw["info"]["thumbnail_file"], SMALL_CAT),
            ):
                assert new["key"]["k"] != old["key"]["k"]
                assert new["url"].startswith(f"mxc://{lab.a.server_name}/")
                assert await opens(jonas, new) == data

            # An edit inside of the encryption, and one that takes the words away.
            words = await eva.answer(circle, root, "he is clever")
            await jonas.sees(common, "he is clever", thread=copy.event)
            await eva.edit(circle, words, "he is lazy")
            await jonas.sees(common, "he is lazy", thread=copy.event)
            await eva.redact(circle, event)
            await jonas.no_longer_sees(common, "my cat")

            # A poll, which most clients do not show.
            name = "org.matrix.msc1767.text"
            asked = {"question": {name: "Feed him?"}, "answers": [{"id": "1", name: "Yes"}, {"id": "2", name: "No"}]}
            relation = {"m.relates_to": picture["m.relates_to"]}
            poll = "org.matrix.msc3381.poll.start"
            await eva.send(circle, poll, {poll: asked, name: "Feed him?", **relation})
            await jonas.sees(common, "Feed him?\n• Yes\n• No", thread=copy.event)

            # Words whose key does not reach Hearth at first are carried once, when it comes.
            crypto = eva.matrix.crypto
            assert crypto is not None
            assert hearth.matrix.waiting is not None
            real, held = crypto._to_devices, []

            async def without_hearth(body: Mapping[str, Any]) -> None:
                messages = dict(body["messages"])
                if hearth.me in messages:
                    held.append({"messages": {hearth.me: messages.pop(hearth.me)}})
                if messages:
                    await real({"messages": messages})

            crypto._to_devices = without_hearth  # type: ignore[method-assign]
            crypto._machine.olm.outbound_group_sessions.pop(circle)
            crypto._sharings.pop(circle)
            late = await eva.answer(circle, root, "he sleeps")

            async def unread() -> bool:
                return late in {one.event for one in hearth.matrix.waiting or ()}

            await until(unread, 40)
            assert not [line for line in jonas.lines(common) if "he sleeps" in line.text]
            crypto._to_devices = real  # type: ignore[method-assign]
            for body in held:
                await real(body)
            await jonas.sees(common, "he sleeps", thread=copy.event, seconds=40)
            await eva.answer(circle, root, "good night")
            await jonas.sees(common, "good night", thread=copy.event)
            assert len([line for line in jonas.lines(common) if "he sleeps" in line.text]) == 1

            await eva.redact(circle, root)
            await jonas.no_longer_sees(common, "Look at him")
            await jonas.no_longer_sees(common, "good night")
