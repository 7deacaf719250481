"""What holds for all tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "flows"))

from databases import header


def pytest_report_header() -> str:
    """On which databases the flows run is said at the top: none is left out silently."""
    return header()
