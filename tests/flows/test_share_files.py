"""Files of shared threads against a fake homeserver: sealed anew for each room, waited for when their server is down, and never in the way of words."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from community import HEARTH, settings
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment
from world import World, a_world, on_a_file

from bridge.matrix import files as carrying
from bridge.store.tables import outbox

pytestmark = on_a_file

CAT = bytes(range(256)) * 900
SMALL_CAT = b"a small cat"
DOWNLOAD, UPLOAD = "/media/download/|/v1/media/download", "/media/v3/upload"
MINUTE_MS = 60_000


@pytest.fixture
async def sealed(where: str | Path, tmp_path: Path) -> AsyncIterator[World]:
    """Every room is encrypted."""
    async with a_world(where, tmp_path, encryption=True) as world:
        yield world


@pytest.fixture
async def open_world(where: str | Path, tmp_path: Path) -> AsyncIterator[World]:
    """No room is."""
    async with a_world(where, tmp_path) as world:
        yield world


async def closed(world: World, data: bytes) -> dict[str, Any]:
    """A file as a client seals and uploads it."""
    ciphertext, keys = encrypt_attachment(data)
    return {**keys, "url": await world.member("ann").upload(ciphertext)}


async def picture(world: World, *, seal: bool, **more: Any) -> dict[str, Any]:
    info = {"mimetype": "image/png", "size": len(CAT)}
    content = {"msgtype": "m.image", "body": "cat.png", "info": info, **more}
    if seal:
        return {**content, "file": await closed(world, CAT)}
    return {**content, "url": await world.member("ann").upload(CAT, "image/png")}


async def post(world: World, root: str, content: Mapping[str, Any]) -> str:
    """Ann says this in a thread of the circle."""
    relation = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
    return await world.member("ann").send(world.room("#sleep"), "m.room.message", {**content, "m.relates_to": relation})


async def shared(world: World, content: Mapping[str, Any]) -> str:
    """A shared thread in which this was said; the root's id."""
    root = await world.say("#sleep", "ann", "look #common")
    await post(world, root, content)
    return root


async def copies(world: World, room: str = "#common") -> list[dict[str, Any]]:
    """What Hearth's copies in a room hold, as whoever has the keys reads them, oldest first."""
    assert world.hearth
    found: dict[str, dict[str, Any]] = {}
    for event in world.hs.timeline(world.room(room)):
        if event.sender != HEARTH or event.redacted_because or event.type not in {"m.room.message", "m.room.encrypted"}:
            continue
        read = await world.hearth.matrix.gateway.event(world.room(room), event.event_id)
        content = dict(read["content"]) if read else {}
        relation = content.get("m.relates_to", {})
        if relation.get("rel_type") != "m.replace":
            found[event.event_id] = content
        elif relation["event_id"] in found:
            found[relation["event_id"]] = content["m.new_content"]
    return [each for each in found.values() if "in #sleep" in str(each.get("body"))]


def stored(world: World, address: str) -> bytes:
    return world.hs.model.media[address.rpartition("/")[2]][0]


def opened(world: World, file: Mapping[str, Any]) -> bytes:
    """What a client of somebody in that room makes of a sealed file."""
    return decrypt_attachment(stored(world, file["url"]), file["key"]["k"], file["hashes"]["sha256"], file["iv"])


async def test_a_sealed_file_is_sealed_anew_with_its_thumbnail_and_no_key_is_used_twice(sealed: World) -> None:
    small = await closed(sealed, SMALL_CAT)
    content = await picture(sealed, seal=True)
    content["info"] |= {"thumbnail_file": small, "thumbnail_info": {"mimetype": "image/png", "size": len(SMALL_CAT)}}
    await shared(sealed, content)
    await sealed.settle()
    copy = (await copies(sealed))[1]
    assert copy["msgtype"] == "m.image"
    assert opened(sealed, copy["file"]) == CAT
    assert opened(sealed, copy["info"]["thumbnail_file"]) == SMALL_CAT
    for old, new in ((content["file"], copy["file"]), (small, copy["info"]["thumbnail_file"])):
        assert new["url"] != old["url"]
        assert new["key"]["k"] != old["key"]["k"]
        assert new["iv"] != old["iv"]
    assert content["file"]["key"]["k"] not in str(sealed.hs.timeline(sealed.room("#common")))
    assert all(kind == "application/octet-stream" for _, kind, _ in sealed.hs.model.media.values())
    before = len(sealed.hs.model.media)
    await sealed.replay()
    assert sealed.changes() == []
    assert len(sealed.hs.model.media) == before


async def test_an_open_file_is_sealed_on_its_way_into_an_encrypted_room(sealed: World) -> None:
    await shared(sealed, await picture(sealed, seal=False))
    await sealed.settle()
    copy = (await copies(sealed))[1]
    assert "url" not in copy
    assert opened(sealed, copy["file"]) == CAT
    assert stored(sealed, copy["file"]["url"]) != CAT


@pytest.fixture
async def opening(where: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The circles are encrypted and the common room is not, and the owner lets words out."""

    def community(*args: Any, **matrix: Any) -> dict[str, Any]:
        found = settings(*args, **matrix)
        common = {**found["community"]["common"], "encrypted": False}
        return {**found, "community": {**found["community"], "common": common, "encrypted_to_open": True}}

    monkeypatch.setattr("world.settings", community)
    async with a_world(where, tmp_path, encryption=True) as world:
        yield world


async def test_once_the_circle_was_told_files_stand_open_in_the_open_room(opening: World) -> None:
    small = await closed(opening, SMALL_CAT)
    content = await picture(opening, seal=True, filename="cat.png")
    content["info"] |= {"thumbnail_file": small, "thumbnail_info": {"mimetype": "image/png", "size": len(SMALL_CAT)}}
    root = await shared(opening, {**content, "body": "a cat"})
    await opening.settle()
    first, copy = await copies(opening)
    assert first["body"].endswith("look #common")
    assert copy["msgtype"] == "m.image"
    assert copy["body"].endswith("a cat")
    assert "file" not in copy
    assert "thumbnail_file" not in copy["info"]
    assert stored(opening, copy["url"]) == CAT
    assert stored(opening, copy["info"]["thumbnail_url"]) == SMALL_CAT
    common = str(opening.hs.timeline(opening.room("#common")))
    assert not [key for key in (content["file"]["key"]["k"], small["key"]["k"], small["url"]) if key in common]
    (notice,) = [seen for seen in opening.hs.timeline(opening.room("#sleep")) if seen.sender == HEARTH and seen.type == "m.room.encrypted"][:1]  # fmt: skip
    told = await opening.hearth.matrix.gateway.event(opening.room("#sleep"), notice.event_id)  # type: ignore[union-attr]
    assert "not encrypted" in str(told)
    await opening.redact("#sleep", "ann", root)
    await opening.settle()
    assert await copies(opening) == []
    await opening.replay()
    assert opening.changes() == []


async def test_a_file_comes_also_when_nobody_wrote_down_that_its_message_went_without_it(sealed: World) -> None:
    down = sealed.hs.faults.add("status", path=DOWNLOAD, status=502, times=None)
    held = sealed.hs.faults.add("hang_after", path="/send/m.room.encrypted", skip=1)
    await shared(sealed, await picture(sealed, seal=True))
    await sealed.hs.until(lambda: held.hits, what="the picture's copy on its way")
    await sealed.stop()
    held.release()
    down.release()
    await sealed.start()
    await sealed.settle()
    sealed.clock.forward(MINUTE_MS)
    await sealed.settle()
    assert opened(sealed, (await copies(sealed))[1]["file"]) == CAT


async def test_out_of_encryption_by_the_owners_leave_a_file_is_opened(sealed: World) -> None:
    assert sealed.hearth
    content = await picture(sealed, seal=True)
    made = await carrying.Files(sealed.hearth.matrix.client, lambda _room: _no()).bring("!open", content, 20)
    assert isinstance(made, dict)
    assert "file" not in made
    assert stored(sealed, made["url"]) == CAT
    assert sealed.hs.model.media[made["url"].rpartition("/")[2]][1] == "image/png"


async def _no() -> bool:
    return False


async def test_an_open_file_in_an_open_room_keeps_its_address_and_is_not_touched(open_world: World) -> None:
    content = await picture(open_world, seal=False)
    await shared(open_world, content)
    await open_world.settle()
    assert (await copies(open_world))[1]["url"] == content["url"]
    assert not [one for one in open_world.hs.requests if "/media/" in one.path]


async def test_an_edited_caption_needs_no_second_upload(sealed: World) -> None:
    content = await picture(sealed, seal=True, filename="cat.png")
    root = await sealed.say("#sleep", "ann", "look #common")
    event = await post(sealed, root, {**content, "body": "a cat"})
    await sealed.settle()
    before = len(sealed.hs.model.media)
    new = {"msgtype": "m.image", **{name: content[name] for name in ("file", "info", "filename")}}
    await sealed.member("ann").edit(sealed.room("#sleep"), event, "my cat", **new)
    await sealed.settle()
    copy = (await copies(sealed))[1]
    assert copy["body"].endswith("my cat")
    assert opened(sealed, copy["file"]) == CAT
    assert len(sealed.hs.model.media) == before


@pytest.mark.parametrize("told", [60_000_000, len(CAT)])
async def test_what_is_too_large_is_named(sealed: World, monkeypatch: pytest.MonkeyPatch, told: int) -> None:
    monkeypatch.setattr(carrying, "MOST_FILE_BYTES", 60_000_000 if told > len(CAT) else 1000)
    content = await picture(sealed, seal=True)
    content["info"]["size"] = told
    await shared(sealed, content)
    await sealed.settle()
    copy = (await copies(sealed))[1]
    assert (copy["msgtype"], "file" in copy) == ("m.text", False)
    assert copy["body"].endswith(
        f"(cat.png, {max(1, round(told / 1e6))} MB: this file is too large to be carried here)"
    )


@pytest.mark.parametrize("how", ["gone", "tampered"])
async def test_a_file_that_is_gone_or_not_what_was_sealed_is_named(sealed: World, how: str) -> None:
    content = await picture(sealed, seal=True)
    name = content["file"]["url"].rpartition("/")[2]
    if how == "gone":
        del sealed.hs.model.media[name]
    else:
        first, *rest = stored(sealed, name)
        sealed.hs.model.media[name] = (bytes([first ^ 1, *rest]), "application/octet-stream", None)
    await shared(sealed, content)
    await sealed.settle()
    assert (await copies(sealed))[1]["body"].endswith("(cat.png: this file is not there any more)")
    kinds = [row["kind"] for row in await sealed.rows(outbox)]
    assert "Copy" in kinds
    assert "CopyFile" not in kinds


@pytest.mark.parametrize("path", [DOWNLOAD, UPLOAD])
async def test_words_do_not_wait_for_a_media_server_that_is_down_and_the_file_comes_later(
    sealed: World, path: str
) -> None:
    down = sealed.hs.faults.add("status", path=path, status=502, times=None)
    root = await shared(sealed, await picture(sealed, seal=True))
    await sealed.answer("#sleep", "ann", root, "and this")
    await sealed.settle()
    bodies = [copy["body"] for copy in await copies(sealed)]
    assert bodies[1].endswith("(cat.png: this file comes as soon as the server that has it answers)")
    assert bodies[2].endswith("and this")
    await sealed.stop()  # what waits is not lost
    await sealed.start()
    sealed.clock.forward(MINUTE_MS)
    await sealed.settle()
    assert "file" not in (await copies(sealed))[1]
    assert down.hits >= 2
    down.release()
    sealed.clock.forward(2 * MINUTE_MS)
    await sealed.settle()
    first, second, third = await copies(sealed)
    assert opened(sealed, second["file"]) == CAT
    assert (second["msgtype"], third["body"]) == ("m.image", bodies[2])
    sealed.clock.forward(60 * MINUTE_MS)
    sealed.hs.mark()
    await sealed.settle()
    assert sealed.changes() == []
    assert first["body"].endswith("look #common")


async def test_a_copy_that_is_taken_back_while_its_file_is_awaited_stays_away(sealed: World) -> None:
    down = sealed.hs.faults.add("status", path=DOWNLOAD, status=502, times=None)
    root = await shared(sealed, await picture(sealed, seal=True))
    await sealed.settle()
    await sealed.redact("#sleep", "ann", root)
    await sealed.settle()
    assert await copies(sealed) == []
    down.release()
    sealed.hs.mark()
    sealed.clock.forward(5 * MINUTE_MS)
    await sealed.settle()
    assert sealed.changes() == []
    assert await copies(sealed) == []


async def test_a_kill_between_upload_and_message_doubles_nothing(sealed: World) -> None:
    held = sealed.hs.faults.add("hang_after", path="/send/m.room.encrypted", skip=1)  # the root's copy goes through
    await shared(sealed, await picture(sealed, seal=True))
    await sealed.hs.until(lambda: held.hits, what="the picture's copy on its way")
    await sealed.stop()
    held.release()
    await sealed.start()
    await sealed.settle()
    shown = [copy for copy in await copies(sealed) if "file" in copy]
    assert [opened(sealed, copy["file"]) for copy in shown] == [CAT]


async def test_a_message_that_is_refused_for_the_moment_needs_no_second_upload(sealed: World) -> None:
    sealed.hs.faults.add("status", path="/send/m.room.encrypted", status=502, skip=1, times=2)
    await shared(sealed, await picture(sealed, seal=True))
    await sealed.settle(hurrying=True)
    assert len([copy for copy in await copies(sealed) if "file" in copy]) == 1
    assert len(sealed.hs.model.media) == 2


async def test_what_was_in_a_file_stands_in_no_database(sealed: World) -> None:
    content = await picture(sealed, seal=True)
    await shared(sealed, content)
    await sealed.settle()
    copy = (await copies(sealed))[1]
    stored_rows = str(await sealed.rows(outbox))
    assert not any(
        secret in stored_rows for secret in (content["file"]["key"]["k"], copy["file"]["key"]["k"], "cat.png")
    )
