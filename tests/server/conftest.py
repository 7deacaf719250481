"""Two federated homeservers for all tests of this directory, on one event loop.

Under pytest-xdist every worker starts a pair of its own; `--dist loadgroup` sends all of these tests to one worker.
"""

import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pytest_asyncio import is_async_test

from bridge.demo.homeservers import Lab, LabError, ensure_synapse, homeservers

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]

_numbers = itertools.count(1)
_installed: dict[str, Path | LabError] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("homeservers"))
            if is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
    # The worker that runs these is the last one to end, so it begins with them.
    items.sort(key=lambda item: HERE not in item.path.parents)


def pytest_collection_finish(session: pytest.Session) -> None:
    # Before the first test, so that a first installation does not count as the time of a test.
    if session.config.option.collectonly or not any(HERE in item.path.parents for item in session.items):
        return
    try:
        _installed["venv"] = ensure_synapse(PROJECT / ".synapse", print)
    except LabError as trouble:
        _installed["venv"] = trouble


@pytest.fixture(scope="session")
def synapse_venv() -> Path:
    """The environment that Synapse runs in."""
    venv = _installed["venv"]
    if isinstance(venv, LabError):
        raise venv
    return venv


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(synapse_venv: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """Two federated homeservers, `lab.a` and `lab.b`, without rate limits. Leave both running."""
    async with homeservers(["a", "b"], synapse_venv, workdir=tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """The beginning of every localpart and alias that a test makes: no two tests share one."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    return f"{name}-{next(_numbers)}-"
