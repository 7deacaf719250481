"""Whose fault it is: the kinds of error that Hearth tells apart. None of them ever holds anybody's words or a token."""


class UsageError(Exception):
    """The person can put it right; `text` is shown to them. Everything that the handler had written is undone."""

    def __init__(self, text: object) -> None:
        """Take a `Text` that says what to do next."""
        super().__init__(type(self).__name__)
        self.text = text


class Refused(Exception):  # noqa: N818 - reads as what happened
    """Matrix said no, and would say no again: `status` is the HTTP status, `errcode` the Matrix error code."""

    def __init__(self, status: int, errcode: str, what: str = "") -> None:
        """`what` is the method and the shape of the path, never an id or a body."""
        super().__init__(f"{what} {status} {errcode}".strip())
        self.status = status
        self.errcode = errcode


class Unavailable(Exception):  # noqa: N818 - reads as what happened
    """Not now: unreachable, slow, 5xx, nonsense, or too many requests. `retry_after_ms` is what the server asked for, if it did.

    `limited` is true for 429: the homeserver is well, and holds us back.
    """

    def __init__(self, what: str = "", *, retry_after_ms: int | None = None, limited: bool = False) -> None:
        """`what` is the method and the shape of the path, never an id or a body."""
        super().__init__(what)
        self.retry_after_ms = retry_after_ms
        self.limited = limited


class NotYet(Exception):  # noqa: N818 - reads as what happened
    """Nothing is wrong, but it is better done later: not before `until_ms` (UTC)."""

    def __init__(self, until_ms: int) -> None:
        """`until_ms` is later than now."""
        super().__init__(type(self).__name__)
        self.until_ms = until_ms


TURNED_AWAY = "M_HEARTH_TURNED_AWAY"
"""The error code of a Refused of our own: the person left two direct rooms of ours, so we do not come a third time."""


class TokenLost(Refused):
    """The homeserver does not know our token (any more): nothing can be done until a person gives us a new one."""
