"""Why Hearth cannot start, in words for the person who runs it; never a token or a password."""


class StartProblem(Exception):  # noqa: N818 - it is a person who has to act, not a bug
    """Something outside of Hearth has to be put right first. `text` says what is wrong and what to do about it."""

    def __init__(self, text: str) -> None:
        """Take the whole explanation: it is shown as it is."""
        super().__init__(text)
        self.text = text
