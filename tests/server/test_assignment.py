"""Newcomers of both homeservers come in at the same time by one code without a circle: each lands where there is room and their language is spoken, apart from whom they are not to meet."""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from test_hearth import ask, person, running
from test_replacing import is_so

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.hearth import Hearth
from bridge.rooms import assigning

CIRCLES = {"nacht": ("de", 5), "night": ("en", 2), "walk": (None, 5)}
"""By tag: the language that is spoken there, and how many people it holds."""


async def settings(lab: Lab, prefix: str, moderator: str, directory: Path) -> Config:
    account = await lab.a.register(f"{prefix}hearth", "pw")
    circles = [
        {"name": tag, "tag": tag, "alias": f"{prefix}{tag}", "language": language, "size": size, "encrypted": False}
        for tag, (language, size) in CIRCLES.items()
    ]
    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "access_token": account.token},
            "data_dir": str(directory / "data"),
            "community": {
                "space": {"name": "Home", "alias": f"{prefix}home"},
                "common": {"name": "Common", "alias": f"{prefix}common", "encrypted": False},
                "staff": {"name": "Staff", "alias": f"{prefix}staff", "encrypted": False},
                "circles": circles,
                "moderators": [moderator],
                "onboarding": False,
            },
        }
    )


async def comes_in(who: Member, hearth: Hearth, code: str, language: str, space: str) -> tuple[Member, str]:
    """Somebody writes the code, is let in and says their language; the tag of the circle that Hearth then calls theirs."""
    direct = await who.talk_to(hearth.me)
    await who.until("Hearth", lambda: who.hears(hearth.me, direct))
    await ask(who, hearth, direct, code, "Welcome")
    await who.accept(space)
    await ask(who, hearth, direct, f"language {language}", {"de": "Deutsch", "en": "English"}[language])
    line = await who.until(
        "their circle",
        lambda: next((line for line in who.lines(direct) if re.search(r"#(nacht|night|walk)\b", line.text)), None),
    )
    (tag,) = set(re.findall(r"#(\w+)", line.text))
    return who, tag


async def test_newcomers_land_in_circles_by_room_language_and_whom_they_are_kept_from(
    lab: Lab, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assigning, "LOOK_AGAIN_MS", 200)
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        nora, emil, gina = [
            await person(stack, lab, f"{prefix}{name}", "b", tmp_path) for name in ("nora", "emil", "gina")
        ]
        otto, fritz = [await person(stack, lab, f"{prefix}{name}", "a", tmp_path) for name in ("otto", "fritz")]
        hearth = await stack.enter_async_context(opened(await settings(lab, prefix, mira.id, tmp_path)))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        async with running(hearth):
            await mira.accept(rooms["space"])
            await mira.accept(rooms["staff"])
            assert "apart from now on" in await ask(mira, hearth, rooms["staff"], f"!apart {nora.id} {otto.id}")
            told = await ask(mira, hearth, rooms["staff"], "!invite code 5")
            (code,) = set(re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", told))
            languages = {nora: "de", otto: "de", emil: "en", fritz: "en", gina: "en"}
            landed = dict(
                await asyncio.gather(
                    *(comes_in(who, hearth, code, language, rooms["space"]) for who, language in languages.items())
                )
            )
            assert {landed[nora], landed[otto]} == {"nacht", "walk"}
            assert sorted(landed[who] for who in (emil, fritz, gina)) == ["night", "night", "walk"]
            await asyncio.gather(*(who.join(rooms[f"circle/{tag}"]) for who, tag in landed.items()))
            for tag in CIRCLES:  # who is not the first of their homeserver there comes in without asking ours

                async def inside(room: str = rooms[f"circle/{tag}"]) -> set[str]:
                    return set(await hearth.matrix.gateway.members(room)) - {hearth.me}

                await is_so(inside, {who.id for who, circle in landed.items() if circle == tag})
            assert not any("apart" in line.text for who in landed for room in who.screen for line in who.lines(room))

            # A code that names the circle where the other one is leads elsewhere, and nobody but staff hears why.
            other = nora if landed[nora] == "walk" else otto
            last = await person(stack, lab, f"{prefix}vera", "b", tmp_path)
            await ask(mira, hearth, rooms["staff"], f"!apart {last.id} {other.id}")
            told = await ask(mira, hearth, rooms["staff"], "!invite code #walk")
            (code,) = set(re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", told))
            _, tag = await comes_in(last, hearth, code, "de", rooms["space"])
            assert tag == "nacht"
            await mira.sees_from(hearth.me, rooms["staff"], "kept apart")
