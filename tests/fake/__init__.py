"""A fake Matrix homeserver for the flow tests: faithful in what the bot can notice, with faults on demand."""

from .errors import MatrixError
from .events import Event
from .faults import Fault
from .homeserver import FakeHomeserver
from .member import Member, Seen
from .server import Request

__all__ = ["Event", "FakeHomeserver", "Fault", "MatrixError", "Member", "Request", "Seen"]
