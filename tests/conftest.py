"""What holds for all tests."""

import gc
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

sys.path.insert(0, str(Path(__file__).parent / "flows"))

from databases import header
from hypothesis import HealthCheck, settings

# A busy machine is not a wrong answer: how long an example takes decides nothing. The same code is tried with the same examples, so that what fails
# fails for everybody; with HEARTH_TEST_ANEW in the environment with others each time.
settings.register_profile(
    "hearth",
    deadline=None,
    derandomize=not os.environ.get("HEARTH_TEST_ANEW"),
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("hearth")


class OnePairOfHomeservers(LoadScopeScheduling):
    """All tests on real homeservers go to one worker, and first: two pairs of them on a small machine would make each other wait. The rest goes to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return "homeservers" if nodeid.startswith("tests/server/") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: the worker with the homeservers mostly waits for them, and the others wait for databases."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OnePairOfHomeservers:
    return OnePairOfHomeservers(config, log)


def pytest_collection_finish() -> None:
    """Thousands of collected tests are never garbage: without this, looking them over again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()


def pytest_report_header() -> str:
    """On which databases the flows run is said at the top: none is left out silently."""
    return header()
