"""What Hearth tells the journal: structured, one line each. Never anybody's words, display name or token."""

import logging
import sys

import structlog

from bridge.config import Log

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_log = structlog.get_logger("hearth")


def configure(settings: Log) -> None:
    """Choose level and format once, at the start. Other libraries are heard only when something is wrong.

    Two never are: nio quotes events, and APScheduler quotes what the ticks tell better themselves.
    """
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True
    )
    for name in ("nio", "apscheduler"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    show = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            show,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class Troubles:
    """What is unwell outside, each thing told once when it begins and once when it is over."""

    def __init__(self) -> None:
        """All is well."""
        self._known: dict[str, str] = {}

    def tell(self, where: str, words: str | None) -> None:
        """`words` are our own, for the person who runs this; None: well again."""
        if words is not None and self._known.get(where) != words:
            self._known[where] = words
            _log.warning("trouble", where=where, what=words)
        elif words is None and self._known.pop(where, None) is not None:
            _log.info("well again", where=where)


def listening(me: str) -> None:
    """The start is over."""
    _log.info("listening", user=me)
