"""What goes wrong on demand: faulty answers, lost answers, hanging, slowness, rate limits. Never touches the model."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from .accounts import Session
from .errors import MatrixError

Kind = Literal[
    "status", "drop_before", "drop_after", "hang", "hang_after", "slow", "slow_after", "garbage", "garbage_after"
]


@dataclass(slots=True)
class Fault:
    """One planned fault; `hits` counts the requests that met it."""

    kind: Kind
    method: str | None
    path: re.Pattern[str]
    left: int | None
    skip: int
    status: int
    errcode: str | None
    retry_after_ms: int | None
    seconds: float
    body: str
    hits: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let the hanging requests go on, and those to come."""
        self.released.set()
        self.left = 0

    def error(self) -> MatrixError:
        """The error that a "status" fault answers."""
        more = {} if self.retry_after_ms is None else {"retry_after_ms": self.retry_after_ms}
        errcode = self.errcode or ("M_LIMIT_EXCEEDED" if self.status == 429 else "M_UNKNOWN")
        return MatrixError(self.status, errcode, "planned fault", **more)

    async def delay(self) -> None:
        """Wait as "hang" and "slow" ask."""
        if self.kind.startswith("hang"):
            await self.released.wait()
        elif self.kind.startswith("slow"):
            await asyncio.sleep(self.seconds)


class Faults:
    """The planned faults; the first that matches a request is taken."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def add(
        self,
        kind: Kind = "status",
        *,
        method: str | None = None,
        path: str = "",
        times: int | None = 1,
        skip: int = 0,
        status: int = 500,
        errcode: str | None = None,
        retry_after_ms: int | None = None,
        seconds: float = 0.0,
        body: str = "<html>Bad gateway</html>",
    ) -> Fault:
        """Plan a fault for requests whose decoded path holds the regex `path`; `times=None` means until cleared.

        `skip` lets that many matching requests pass first. `*_after` kinds do the work and then spoil the answer.
        """
        fault = Fault(kind, method, re.compile(path), times, skip, status, errcode, retry_after_ms, seconds, body)
        self._planned.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults and release what hangs."""
        for fault in self._planned:
            fault.release()
        self._planned.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, counted."""
        for fault in self._planned:
            if fault.left == 0 or fault.method not in {None, method} or not fault.path.search(path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.left is not None:
                fault.left -= 1
            fault.hits += 1
            return fault
        return None


@dataclass(slots=True)
class _Bucket:
    filled: float = 0.0
    at: float = 0.0


class Limits:
    """Rate limits per user as Synapse counts them: a bucket that leaks `per_second` and holds `burst`.

    Names: "send" (send, state, redact, every membership but joins, createRoom), "create", "invite", "join", "login".
    """

    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.monotonic
        self._rates: dict[str, tuple[float, int]] = {}
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def set(self, name: str, per_second: float | None, burst: int = 1) -> None:
        """Set a limit and empty its buckets; None lifts it."""
        self._rates.pop(name, None)
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if key[0] != name}
        if per_second is not None:
            self._rates[name] = (per_second, burst)

    def spend(self, names: tuple[str, ...], session: Session) -> None:
        """Count one action; 429 with retry_after_ms when a bucket is full. Exempt: overrides and such services."""
        if not self._rates or (session.service and not session.service.rate_limited):
            return
        override = session.user.ratelimit
        for name in names:
            if name not in self._rates:
                continue
            rate, burst = self._rates[name]
            if override is not None:
                rate, burst = override["messages_per_second"], override["burst_count"]
                if not rate:
                    continue
            self._spend(name, session.user.user_id, rate, burst)

    def _spend(self, name: str, user_id: str, rate: float, burst: int) -> None:
        bucket, now = self._buckets.setdefault((name, user_id), _Bucket()), self.clock()
        filled = max(0.0, bucket.filled - (now - bucket.at) * rate)
        if filled + 1 > burst:
            wait_ms = int((filled + 1 - burst) / rate * 1000) + 1
            raise MatrixError(429, "M_LIMIT_EXCEEDED", "Too Many Requests", retry_after_ms=wait_ms)
        bucket.filled, bucket.at = filled + 1, now
