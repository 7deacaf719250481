"""Hashtags: how they are compared; never what follows from them."""

import unicodedata


def fold(tag: str) -> str:
    """A tag as it is compared and stored: without case, in one Unicode form, with `ё` as `е`."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tag).casefold()).replace("ё", "е")
