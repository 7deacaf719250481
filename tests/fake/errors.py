"""The one exception of the fake homeserver: a Matrix error with its HTTP status. Never raised for the fake's own bugs."""

from __future__ import annotations

from typing import Any


class MatrixError(Exception):
    """What the homeserver answers instead of doing it: HTTP status, errcode and further keys of the body."""

    def __init__(self, status: int, errcode: str, error: str = "", **extra: Any) -> None:
        super().__init__(f"{status} {errcode}: {error}")
        self.status = status
        self.errcode = errcode
        self.body = {"errcode": errcode, "error": error, **extra}


def forbidden(error: str) -> MatrixError:
    """403 M_FORBIDDEN."""
    return MatrixError(403, "M_FORBIDDEN", error)


def not_found(error: str) -> MatrixError:
    """404 M_NOT_FOUND."""
    return MatrixError(404, "M_NOT_FOUND", error)


def bad(error: str, errcode: str = "M_INVALID_PARAM") -> MatrixError:
    """400, by default M_INVALID_PARAM."""
    return MatrixError(400, errcode, error)
