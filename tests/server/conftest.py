"""Two federated homeservers for all tests of this directory, on one event loop.

Under pytest-xdist `tests/conftest.py` sends all of these tests to one worker.
"""

import itertools
import re
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio
from pytest_asyncio import is_async_test

from bridge.demo.homeservers import Lab, ensure_synapse, homeservers

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]

INSTALLING_SECONDS = 900
TEST_SECONDS = 300
"""A machine at half our speed, with other tests beside these, is no failure; and what was waited for in vain shall say so itself."""

_numbers = itertools.count(1)
_installing: list[Future[Path]] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        if is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))
    if ours:  # a first installation does not count as the time of a test
        ours[0].add_marker(pytest.mark.timeout(INSTALLING_SECONDS), append=False)
    # The worker that runs these is the last one to end, so it begins with them.
    items.sort(key=lambda item: HERE not in item.path.parents)


def pytest_collection_finish(session: pytest.Session) -> None:
    """While the homeservers are being fetched other tests go on."""
    if not session.config.option.collectonly and any(HERE in item.path.parents for item in session.items):
        _installing.append(ThreadPoolExecutor(1).submit(ensure_synapse, PROJECT / ".synapse", print))


@pytest.fixture(scope="session")
def synapse_venv() -> Path:
    """The environment that Synapse runs in. Raises LabError."""
    return _installing[0].result()


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
