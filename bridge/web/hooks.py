"""A signed notice about a membership, as it comes over the wire (Standard Webhooks 1.0.0): whose it is, and what it says. Never writes it down.

The library of that name reads the time by itself; here the time is an argument, as everywhere in the house, and the rest of it is a dozen lines.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from bridge.rooms.paid import KINDS, PAID, Notice

TOLERANCE_MS = 5 * 60 * 1000
"""A notice that was signed longer ago, or later than now by as much, is not looked at: it may be an old one that somebody kept."""

MOST_BYTES = 16 * 1024
MOST_CHARACTERS = 128
MOST_DAYS = 3660

_USER = re.compile(r"@[^:\s]+:\S+")
_REFERENCE = re.compile(r"[!-~]+")


class Rejected(Exception):  # noqa: N818 - named for what happened to the notice
    """The notice is not taken: the status of the answer, and why in a short code."""

    def __init__(self, status: int, why: str) -> None:
        """`why` holds nothing of what was sent."""
        super().__init__(why)
        self.status, self.why = status, why


@dataclass(frozen=True, slots=True)
class Heard:
    """A notice and whom it is about: the sender's reference of the payer, and the member that they take the payer for."""

    notice: Notice
    payer: str
    user: str | None


def keys(secrets: str) -> tuple[bytes, ...]:
    """The keys to sign with, of secrets as they stand in the configuration: `whsec_` and base64, blanks or lines between."""
    return tuple(base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets.split())


def sign(key: bytes, id_: str, timestamp: str, body: bytes) -> str:
    """The signature of a notice, with its version."""
    signed = b".".join((id_.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()


def verified(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_ms: int) -> str:
    """The id of a notice that somebody signed who has one of these keys, not long ago. Rejected otherwise. The body is compared as it came."""
    id_, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")
    if not _short(id_) or not re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII):
        raise Rejected(400, "headers")
    right = [sign(key, id_, timestamp, body).encode() for key in secrets]
    if not any(hmac.compare_digest(one.encode(errors="replace"), other) for one in given for other in right):
        raise Rejected(401, "signature")
    if abs(now_ms - int(timestamp) * 1000) > TOLERANCE_MS:
        raise Rejected(400, "timestamp")
    return id_


def read(id_: str, body: bytes) -> Heard | None:
    """What a verified notice says; None when it is of a kind that is not ours. Rejected when it makes no sense."""
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise Rejected(400, "json") from None
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        raise Rejected(400, "type")
    if told["type"] not in KINDS:
        return None
    if not isinstance(data, dict):
        raise Rejected(400, "data")
    payer, period, user = data.get("payer"), data.get("period"), data.get("user")
    if not _short(payer):
        raise Rejected(400, "payer")
    if period is not None and not _short(period):
        raise Rejected(400, "period")
    if user is not None and not (isinstance(user, str) and len(user.encode()) <= 255 and _USER.fullmatch(user)):
        raise Rejected(400, "user")
    until, days = _day(data.get("until")), _days(data.get("days"))
    if told["type"] == PAID and until is None and days is None:
        raise Rejected(400, "until")
    at_ms = _moment(told.get("timestamp"))
    notice = Notice(id=id_, kind=told["type"], at_ms=at_ms, period=period, until=until, days=days)
    return Heard(notice, str(payer), user)


def _short(value: Any) -> bool:
    """Whether this is a reference: some printed characters without a blank, and not many."""
    return isinstance(value, str) and len(value) <= MOST_CHARACTERS and _REFERENCE.fullmatch(value) is not None


def _day(value: Any) -> str | None:
    if value is None:
        return None
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2026-03-01") else None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2200:
        raise Rejected(400, "until")
    return day.isoformat()


def _days(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_DAYS:
        raise Rejected(400, "days")
    return value


def _moment(value: Any) -> int:
    """When it happened (UTC ms), from ISO 8601 with a zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 2000 <= moment.year <= 2200:
        raise Rejected(400, "timestamp")
    return int(moment.timestamp() * 1000)
