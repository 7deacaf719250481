"""What a person reads when a command cannot go on: the errors that can be expected, in plain words; never a bug's."""

from bridge.errors import Refused, TokenLost, Unavailable
from bridge.matrix.problem import StartProblem
from bridge.store.errors import AlreadyRunning, LeadershipLost, NewerDatabase, StoreFull, StoreUnavailable

_WORDS: tuple[tuple[type[Exception], str], ...] = (  # the first that fits
    (AlreadyRunning, "Hearth is running with this database already. Stop it first, or leave the work to it."),
    (LeadershipLost, "Another Hearth has taken over this database, so this one stops."),
    (NewerDatabase, "A newer Hearth has worked with this database. Install that version again, or restore a backup."),
    (StoreFull, "There is no room left for the database. Free some space, then do the same again."),
    (StoreUnavailable, "The database cannot be reached. `hearth check` says more."),
    (TokenLost, "The homeserver does not know the token (any more). Give Hearth a new one; `hearth check` says more."),
    (Unavailable, "The homeserver does not answer as it should (%s). `hearth check` says more."),
    (Refused, "The homeserver refuses what Hearth needs (%s). `hearth check` says more."),
)


def in_words(error: BaseException) -> str | None:
    """What to tell about this error; of a group, about its first expected one. None: it is a bug, and its traceback is wanted."""
    if isinstance(error, BaseExceptionGroup):
        return next((told for each in error.exceptions if (told := in_words(each))), None)
    if isinstance(error, StartProblem):
        return error.text
    for kind, told in _WORDS:
        if isinstance(error, kind):
            return told.replace("%s", str(error))
    return None
