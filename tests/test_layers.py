"""The house's layers: a lower one never imports a higher one, and each outside library has one door."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for path in (ROOT / "bridge").rglob("*.py"))
AREAS = ("rooms", "digest", "moderation")

VALUES, DECIDERS, STORES, SHELLS, EDGES, ROOT_LAYER = range(1, 7)
LAYER = {
    "bridge": VALUES,
    "bridge.events": VALUES,
    "bridge.effects": VALUES,
    "bridge.frozen": VALUES,
    "bridge.words": VALUES,
    "bridge.errors": VALUES,
    "bridge.config": VALUES,
    "bridge.section": VALUES,
    "bridge.config_types": VALUES,
    "bridge.commands": DECIDERS,
    "bridge.access": DECIDERS,
    "bridge.community": DECIDERS,
    "bridge.emoji": DECIDERS,
    "bridge.extensible": DECIDERS,
    "bridge.globs": DECIDERS,
    "bridge.arguments": DECIDERS,
    "bridge.daylight": DECIDERS,
    "bridge.grammar": DECIDERS,
    "bridge.locks": DECIDERS,
    "bridge.pacing": DECIDERS,
    "bridge.power": DECIDERS,
    "bridge.complaint": DECIDERS,
    "bridge.recognise": DECIDERS,
    "bridge.roles": DECIDERS,
    "bridge.skeleton": DECIDERS,
    "bridge.tags": DECIDERS,
    "bridge.times": DECIDERS,
    "bridge.understanding": DECIDERS,
    "bridge.wall": DECIDERS,
    "bridge.scene": STORES,
    "bridge.clock": STORES,
    "bridge.outbox": EDGES,
    "bridge.schedule": EDGES,
    "bridge.app": ROOT_LAYER,
    "bridge.hearth": ROOT_LAYER,
    "bridge.ticks": ROOT_LAYER,
    "bridge.known_names": ROOT_LAYER,
    "bridge.check": ROOT_LAYER,
    "bridge.registration": ROOT_LAYER,
    "bridge.troubles": ROOT_LAYER,
    "bridge.__main__": ROOT_LAYER,
    "bridge.bench": ROOT_LAYER,
}
PURE_NAMES = {
    "model",
    "plan",
    "forecast",
    "contents",
    "due",
    "compose",
    "share",
    "enforce",
    "tags",
    "globs",
    "codes",
    "door",
    "assign",
    "invites",
    "cascade",
    "footing",
    "replace",
    "districts",
    "wanted",
    "onboarding",
    "greeting",
    "term",
    "expiry",
    "paid",
}
OUTSIDE = {  # library -> who may import it
    "nio": ("bridge.matrix",),
    "sqlalchemy": ("bridge.store", ".store"),
    "alembic": ("bridge.store",),
    "apscheduler": ("bridge.schedule",),
    "jinja2": ("bridge.text", "bridge.web"),
    "typer": ("bridge.__main__",),
}
PURE_NAMES |= {"reach"}  # of rooms, and how far words get
PURE_NAMES |= {"relayed"}  # of texts that are said again
PURE_NAMES |= {"policies", "book", "judge"}  # of other people's rules
PURE_NAMES |= {"locked", "slowly", "taken"}  # of moderation, and of the plan that knows of it
PURE_NAMES |= {"protection", "surface", "patterns", "guide", "leads"}  # of what is said
PURE_NAMES |= {"alone"}  # of circles and who looks after them
PURE_NAMES |= {"board", "explain", "reader", "visible", "watch"}  # of digests
PURE_NAMES |= {"adopt", "adopt_power", "adopt_told", "guard", "patience"}  # of plans and how they are carried out
FORBIDDEN_TO_DECIDERS = {"asyncio", "nio", "aiohttp", "sqlalchemy", "jinja2", "logging", "structlog", "time"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> int:
    if module in LAYER:
        return LAYER[module]
    parts = module.split(".")
    if parts[1] == "store" or parts[-1] == "store":
        return STORES
    if parts[1] == "matrix":
        return EDGES
    if parts[1] in ("demo", "bench"):
        return ROOT_LAYER
    if parts[1:3] == ["moderation", "protections"]:
        return DECIDERS
    if parts[1] in AREAS and len(parts) == 3 and parts[2] in PURE_NAMES:
        return VALUES if parts[2] == "model" else DECIDERS
    return SHELLS


def nodes_of(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


@cache
def imports_of(path: Path) -> frozenset[str]:
    found = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names if is_module(f"{node.module}.{alias.name}")}
    return frozenset(found)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_nothing_above_it(path: Path) -> None:
    module = name_of(path)
    for other in imports_of(path):
        if other == "bridge" or other.startswith("bridge."):
            assert layer_of(other) <= layer_of(module), f"{module} must not import {other}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_library_has_its_door(path: Path) -> None:
    module = name_of(path)
    for other in imports_of(path):
        doors = OUTSIDE.get(other.split(".")[0])
        if doors:
            assert any(
                module.startswith(door) if door.startswith("bridge") else module.endswith(door) for door in doors
            ), f"{module} must not import {other}"


@pytest.mark.parametrize("path", [path for path in MODULES if layer_of(name_of(path)) <= DECIDERS], ids=name_of)
def test_deciders_neither_do_nor_look_at_a_clock(path: Path) -> None:
    assert not {other.split(".")[0] for other in imports_of(path)} & FORBIDDEN_TO_DECIDERS
    for node in nodes_of(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"now", "utcnow", "today", "monotonic"}, (
                f"{name_of(path)}:{node.lineno} reads a clock"
            )


@pytest.mark.parametrize("area", AREAS)
def test_areas_do_not_know_each_other(area: str) -> None:
    for path in (ROOT / "bridge" / area).rglob("*.py"):
        for other in imports_of(path):
            for neighbour in AREAS:
                assert neighbour == area or not other.startswith(f"bridge.{neighbour}"), (
                    f"{name_of(path)} must not import {other}"
                )


def test_no_two_test_files_have_one_name() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(set(names)) == len(names), sorted({name for name in names if names.count(name) > 1})
