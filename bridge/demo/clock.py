"""A clock that can be turned forward while Hearth runs in another process; never turned back."""

import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo


class TurnedClock:
    """Wall time plus an offset that stands in a file, so that several processes agree on it."""

    def __init__(self, file: Path) -> None:
        """Use this file; without it the clock shows wall time."""
        self.file = file

    def __call__(self) -> int:
        """The time shown, in UTC milliseconds."""
        return time.time_ns() // 1_000_000 + self._offset_ms()

    def turn_to(self, zone: str, weekday: int, hour: int, minute: int = 0) -> datetime:
        """Turn forward to the next time when it is this weekday (0: Monday) and time in that zone; returns that moment."""
        now = datetime.fromtimestamp(self() / 1000, ZoneInfo(zone))
        days = (weekday - now.weekday()) % 7
        goal = (now + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
        if goal <= now:
            goal += timedelta(days=7)
        offset = self._offset_ms() + round((goal - now).total_seconds() * 1000)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(offset), encoding="ascii")
        fresh.replace(self.file)
        return goal

    def _offset_ms(self) -> int:
        try:
            return int(self.file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return 0
