"""What can be wrong with the database itself; never what is wrong with what is written into it. No message holds a value, an address or a password."""


class StoreUnavailable(Exception):  # noqa: N818 - reads as what happened
    """Not now: locked by another program, unreachable, restarting. The transaction is undone as a whole; do it again later."""


class StoreFull(StoreUnavailable):
    """There is no room left on the disk of the database. Nothing was written; it goes on as soon as there is room."""


class AlreadyRunning(Exception):  # noqa: N818 - reads as what happened
    """Another Hearth is at work on this database."""


class LeadershipLost(Exception):  # noqa: N818 - reads as what happened
    """Another Hearth has taken over this database while we could not reach it: this one must stop at once."""


class NewerDatabase(Exception):  # noqa: N818 - reads as what happened
    """A newer Hearth has been at work here; this one would not understand what it finds."""
