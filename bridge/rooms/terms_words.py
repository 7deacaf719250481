"""What people are told about the end of their membership: kindly, without a word about money, and with what can be done next. Never sends anything."""

from collections.abc import Mapping
from typing import Any

from bridge.roles import Authority
from bridge.rooms.term import ENDED, GRACE, Term
from bridge.words import Text, lines, words


def day(date: str | None) -> Mapping[str, Any]:
    """A day as a value for a Text."""
    return {"date": date}


def stay(say: Authority) -> Text:
    """What somebody who would like to stay can do: never to ask somebody whose own membership has ended."""
    hint = say.config.membership.renew_hint if say.config.membership else ""
    if hint:
        return words("If you would like to stay: %(hint)s", hint=hint)
    asked = say.moderators or say.config.community.owners
    if not asked:
        return words("If you would like to stay, tell somebody who looks after the community.")
    return words(
        "If you would like to stay, write to %(people)s: they are glad to arrange it.",
        people={"list": [{"user": user} for user in asked[:3]]},
    )


def reminder(say: Authority, until: str) -> Text:
    """Some days before the end."""
    return lines(
        words(
            "A word in good time: your membership in %(community)s lasts until %(day)s, that day included.",
            community=say.config.community.space.name,
            day=day(until),
        ),
        stay(say),
        words("If not, there is nothing you have to do. It is good that you are here."),
    )


def grace_begins(say: Authority, until: str, last: str) -> Text:
    """The last day is over; `last` is the last day on which they can read."""
    return lines(
        words(
            "Your membership in %(community)s lasted until %(day)s. Until %(last)s you can still read everything; writing rests for now.",
            community=say.config.community.space.name,
            day=day(until),
            last=day(last),
        ),
        stay(say),
        words("Then you can write again at once, and everything is as it was."),
    )


def ended(say: Authority) -> Text:
    """It is over, and they are out of the rooms."""
    return lines(
        words(
            "Your membership in %(community)s has come to its end, so I have closed its rooms behind you. Thank you for having been with us.",
            community=say.config.community.space.name,
        ),
        words("You are welcome back at any time. Your circles and what you follow are kept for you."),
        stay(say),
    )


def over(say: Authority) -> Text:
    """Somebody whose membership has ended would like to come in, by a code or a word to us."""
    return lines(
        words(
            "Good to hear from you. Your membership in %(community)s has ended, and once it goes on, you are invited again at once.",
            community=say.config.community.space.name,
        ),
        stay(say),
    )


def over_for_staff(user: str) -> Text:
    """For who would let in somebody whose membership has ended."""
    return words(
        "The membership of %(who)s has ended, so I invite them nowhere. A moderator can let it go on, with %(renew)s; that invites them, too.",
        who={"user": user},
        renew={"command": f"member renew {user}"},
    )


def changed(say: Authority, before: Term | None, now: Term, *, invited: bool) -> Text:
    """Their membership has another end from now on."""
    community = say.config.community.space.name
    if now.until is None:
        first = words("Your membership in %(community)s has no end from now on.", community=community)
    else:
        first = words(
            "Your membership in %(community)s lasts until %(day)s, that day included.",
            community=community,
            day=day(now.until),
        )
    stage = before.stage if before else None
    if stage == ENDED and invited:
        again = words(
            "Welcome back! I have just invited you to its space; accept that, and the rooms that you were in open again one after the other."
        )
        return lines(first, again)
    if stage in (GRACE, ENDED):
        return lines(first, words("It is good that you stay. You can write again everywhere."))
    if before is not None and _later(now.until, before.until):
        return lines(first, words("It is good that you stay."))
    if now.until is None:
        return first
    return lines(first, words("I will remind you before that day."))


def _later(one: str | None, other: str | None) -> bool:
    return one is None or (other is not None and one > other)


def spared(user: str, until: str | None) -> Text:
    """For staff: somebody whose membership has ended is never removed."""
    return words(
        "The membership of %(who)s lasted until %(day)s. Owners are never taken out of the rooms, so nothing was changed. %(renew)s gives it another end.",
        who={"user": user, "with_id": True},
        day=day(until),
        renew={"command": f"member renew {user}"},
    )


def barred(user: str) -> Text:
    """For staff: a membership was renewed, and its owner is banned."""
    return words(
        "The membership of %(who)s was renewed, and they are banned. The ban holds, so I have let nobody in. %(unban)s would lift it.",
        who={"user": user, "with_id": True},
        unban={"command": f"unban {user}"},
    )


def stuck(user: str, rooms: list[Any]) -> Text:
    """For staff: rooms out of which we could not take somebody."""
    return words(
        "The membership of %(who)s has ended, and I could not take them out of %(rooms)s: the homeserver refused it. Give Hearth the power it lacks there; I try again every hour.",
        who={"user": user, "with_id": True},
        rooms={"list": rooms},
    )
