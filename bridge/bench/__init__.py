"""Measures Hearth beside a bare baseline in the same run; a benchmark is one module here with a coroutine `measure(venv)`."""

import asyncio
import importlib
import logging
from collections.abc import Sequence
from pathlib import Path

from bridge.bench.report import as_line, as_sentence

NAMES = ("share", "redact", "apply", "ban", "digest", "protect", "policies")


def main(names: Sequence[str], *, as_json: bool) -> int:
    """Run these benchmarks, or all, one after the other; print what they found. Returns 0 only if every goal holds."""
    from bridge.demo.homeservers import ensure_synapse  # noqa: PLC0415 - only who measures needs it

    logging.getLogger("apscheduler").setLevel(logging.CRITICAL + 1)  # as in `journal_log`
    modules = [importlib.import_module(f"bridge.bench.{name}") for name in names or NAMES]
    venv = Path(".synapse")
    if any(getattr(module, "HOMESERVER", True) for module in modules):
        venv = ensure_synapse(venv, lambda _: None)
    holds = True
    for module in modules:
        for figure in asyncio.run(module.measure(venv)):
            print(as_line(figure) if as_json else as_sentence(figure), flush=True)  # noqa: T201 - this is its output
            holds = holds and figure.holds
    return 0 if holds else 1
