"""Which database a flow runs on: a SQLite file, and PostgreSQL where `on_both` says so, or nothing says `on_a_file`."""

import pytest
from databases import database, empty, kinds, postgres_server, templates, where
from world import world

__all__ = ["database", "empty", "postgres_server", "templates", "where", "world"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "databases(*kinds): the databases that a test runs on")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    spelt = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    own = isinstance(getattr(metafunc.module, "where", None), type(where))
    if "where" not in metafunc.fixturenames or "where" in spelt or own:
        return
    wanted = metafunc.definition.get_closest_marker("databases")
    metafunc.parametrize("where", [kind for kind in kinds() if wanted is None or kind in wanted.args], indirect=True)
