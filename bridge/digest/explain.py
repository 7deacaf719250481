"""Why a conversation is in somebody's digest or not, for staff who is asked; pure. Chooses by the very rules of `compose.py`, and never knows a text."""

from dataclasses import dataclass
from typing import Literal

from bridge.digest.board import Board
from bridge.digest.compose import compose
from bridge.digest.model import Digest, Member, Reason
from bridge.digest.reader import Reader
from bridge.digest.visible import openings

Why = Literal["in", "left", "own", "unseen", "muted", "earlier", "read", "unwanted"]
"""In it; left out for others that matter more; and why it is no candidate: their own word, not theirs to read, muted, not of this time, read, not followed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a message: `reasons` are those for its conversation as far as this member sees it."""

    why: Why
    reasons: tuple[Reason, ...] = ()


def explain(member: Member, board: Board, event: str, *, since_seq: int, most_items: int) -> Verdict | None:
    """What becomes of this message of the board (not the id of a copy) in the digest of this member; None when the board does not know it."""
    post = board.posts.get(event)
    if post is None:
        return None
    reader = Reader(member, board, since_seq)
    root = board.root_of(event)
    found = next(iter(openings(member.spans, board.places, post, board.copies.get(event, ()))), None)
    seen = any(entry.post is post for entry in reader.seen(root))
    reasons = tuple(sorted(reader.reasons(reader.why_at_all(root))))
    if found is None:
        return Verdict("unseen")
    if post.author == member.user:
        return Verdict("own")
    if reader.hides(root) or reader.quiet(post):
        return Verdict("muted")
    if found.seq is None or not since_seq < found.seq <= board.until_seq:
        return Verdict("earlier")
    if not seen:
        return Verdict("read")
    shown = _shown(compose(member, board, since_seq=since_seq, most_items=most_items), board)
    if root in shown:
        return Verdict("in", shown[root])
    return Verdict("left" if reasons else "unwanted", reasons)


def _shown(digest: Digest | None, board: Board) -> dict[str, tuple[Reason, ...]]:
    return {board.root_of(item.event): item.reasons for item in digest.items} if digest else {}
