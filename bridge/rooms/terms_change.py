"""Gives a membership an end, moves it on when its time has come, and makes the rooms match it. Writes wishes, never acts.

All of it happens in the caller's transaction; whoever is killed before its end has done nothing, and whoever does it twice has done it once.
"""

from dataclasses import replace
from datetime import date, timedelta

from bridge.config import Config, Membership
from bridge.context import language_of
from bridge.effects import Expel, Invite, Put, Say, SetVoice, Tell
from bridge.rooms import expiry, terms_words
from bridge.rooms.admit import is_barred
from bridge.rooms.term import ENDED, GRACE, RUNNING, Term, look, renewed
from bridge.scene import Scene
from bridge.store import authority, due, ledger, people, queue, rooms, terms
from bridge.words import Text, in_a_room

DUE = "term"
"""The kind of our rows in the table of what is due."""

EXPIRED = "membership ended"
"""What the ledger calls it when somebody is taken out of the rooms."""


async def zone_of(scene: Scene, user: str) -> str:
    """The time zone by which somebody's days begin and end."""
    return (await people.get(scene.db, user)).zone or scene.config.zone


def is_spared(scene: Scene, user: str) -> bool:
    """Whether nobody ever takes this person out of the rooms: Hearth, and every owner."""
    return is_spared_by(scene.config, user)


def is_spared_by(config: Config, user: str) -> bool:
    """The same, by the configuration that holds now."""
    return user == config.matrix.user_id or user in config.community.owners


async def begin(scene: Scene, user: str, until: str, zone: str | None, cause: int) -> Term:
    """A membership with an end begins, by a code: `until` is its last day (2026-03-01), `zone` the person's if they told it, `cause` a ledger row.

    A date that staff gave later than that stays, and so does one that is paid. Without the section `membership` it is written down and has no effect.
    """
    if zone is not None and (await people.get(scene.db, user)).zone is None:
        await people.change(scene.db, user, zone=zone)
    before = await terms.get(scene.db, user)
    if before is not None and before.stage == RUNNING and (before.until is None or before.until >= until):
        return before
    return await give(scene, user, until, cause=cause, granted=until)


async def give(scene: Scene, user: str, until: str | None, *, cause: int, granted: str | None) -> Term:
    """This person's membership has this last day from now on (None: no end), whatever was before. Who was out is invited back.

    `granted` is what staff or a code said, `never` included, or what it said before if the change is a payment's.
    """
    before = await terms.get(scene.db, user)
    zone = await zone_of(scene, user)
    rules = scene.config.membership or Membership()
    old = before or Term(user=user, until=None, period=0, cause=cause)
    term = renewed(old, until, granted, cause, zone, rules, scene.now_ms)
    back = old.stage == ENDED and look(term, zone, rules, scene.now_ms).stage != ENDED
    term = replace(term, places=old.places if old.stage == ENDED else ())
    await terms.save(scene.db, term)
    banned = await is_barred(scene, user)
    invited = False
    if back and banned:
        await tell_staff(scene, f"term/{user}/{term.period}/barred", terms_words.barred(user))
    elif back:
        invited = await _invite_back(scene, term)
    if not banned and scene.config.membership is not None and (invited or await _is_here(scene, user)):
        await _tell(
            scene,
            term,
            "given",
            terms_words.changed(await authority.named(scene.db, scene.config), before, term, invited=invited),
        )
    term = await advance(scene, term)
    await go_on_back(scene, term)
    return term


async def advance(scene: Scene, term: Term) -> Term:
    """Do what is due now for this membership, and note when to look again."""
    if scene.config.membership is None:
        await settle(scene, term)
        return term
    zone = await zone_of(scene, term.user)
    now = look(term, zone, scene.config.membership, scene.now_ms)
    if now.remind is not None and term.until is not None:
        text = terms_words.reminder(await authority.named(scene.db, scene.config), term.until)
        term = replace(term, reminded=now.remind)
        await _tell(scene, term, f"remind/{now.remind}", text)
    if now.stage != term.stage:
        term = await _move(scene, term, now.stage)
    await terms.save(scene.db, term)
    if now.next_ms is None:
        await due.remove(scene.db, DUE, term.user)
    else:
        await due.set_next(scene.db, DUE, term.user, now.next_ms, term.until or "")
    await settle(scene, term)
    return term


async def _move(scene: Scene, term: Term, stage: str) -> Term:
    """The membership comes to its next stage; what an outage skipped is skipped for good."""
    config, user = scene.config, term.user
    if is_spared(scene, user):
        await tell_staff(scene, f"term/{user}/{term.period}/spared", terms_words.spared(user, term.until))
        return replace(term, stage=stage)
    say = await authority.named(scene.db, config)
    if stage == GRACE and term.until is not None and config.membership is not None:
        last = date.fromisoformat(term.until) + timedelta(days=config.membership.grace_days)
        await _tell(scene, term, GRACE, terms_words.grace_begins(say, term.until, last.isoformat()))
    if stage == ENDED:
        here = expiry.places(await terms.there(scene.db, user))
        term = replace(term, places=tuple(dict.fromkeys((*here, *term.places))))
        if await _is_here(scene, user):
            await _tell(scene, term, ENDED, terms_words.ended(say))
    return replace(term, stage=stage)


async def settle(scene: Scene, term: Term, *, again: bool = False) -> None:
    """Put what makes the rooms match this membership: out of every room when it has ended, silent in days of grace, else as before.

    With `again` what the homeserver refused is tried once more.
    """
    user = term.user
    stage = term.stage if scene.config.membership is not None else RUNNING
    there, silent_in = await terms.there(scene.db, user), await terms.silent_in(scene.db, user)
    found = expiry.wanted(user, stage, term.period, there, silent_in, spared=is_spared(scene, user))
    fresh = [effect for effect in found if await queue.get(scene.db, effect.key) is None]
    if again:
        for effect in found:
            await queue.retry(scene.db, effect.key)
    entry = await _expired(scene, term) if any(isinstance(effect, Expel) for effect in fresh) else None
    for effect in fresh:
        scene.puts.append(Put(effect, intent=entry if isinstance(effect, Expel) else None))
    for effect in found:
        if isinstance(effect, SetVoice):
            await terms.silence(scene.db, effect.room, user, silent=effect.silent)


async def _expired(scene: Scene, term: Term) -> int:
    """The row in the ledger for being taken out of rooms, written before it."""
    return await ledger.write(
        scene.db,
        actor=scene.me,
        action=EXPIRED,
        target=term.user,
        reason=None,
        rule="membership",
        room=None,
        event=None,
        now_ms=scene.now_ms,
    )


async def go_on_back(scene: Scene, term: Term, *, declined: str | None = None) -> None:
    """The next invitation for somebody who has come back, if there is still a room to come. `declined` is the id of a room whose invitation they turned down."""
    if not term.places or term.stage == ENDED:
        return
    ours = {room.key: room.room for room in await rooms.all_rooms(scene.db)}
    left = [key for key in term.places if ours.get(key) != declined or declined is None]
    there = await _there(scene, term.user)
    rows = {one.key: one.row for one in there}
    keys = [expiry.back_key(ours.get(key, ""), term.user, term.period, rows.get(key, 0)) for key in left]
    asked = {key: wish.state for key, wish in (await queue.standing(scene.db, keys)).items()}
    way = expiry.way_back(term.user, term.period, left, there, ours, asked)
    if way.places != term.places:
        await terms.save(scene.db, replace(term, places=way.places))
    invited = any(isinstance(put.effect, Invite) and put.effect.user == term.user for put in scene.puts)
    if way.invite is not None and not invited:  # by somebody else at this very moment: this one comes after it
        scene.puts.append(Put(way.invite))


async def _invite_back(scene: Scene, term: Term) -> bool:
    """One invitation to the space; whether they need one."""
    space = await rooms.by_key(scene.db, "space")
    there = await _there(scene, term.user)
    if space is None or any(one.room == space.room and one.membership == "join" for one in there):
        return False  # they are back before anybody took them out
    key = f"back/{space.room}/{term.user}/{term.period}"
    scene.puts.append(Put(Invite(key=key, room=space.room, user=term.user)))
    return True


async def _there(scene: Scene, user: str) -> tuple[expiry.There, ...]:
    """Where somebody is. What we took them out of counts at once: who pays a moment later is invited there, too."""
    found = await terms.there(scene.db, user)
    taken = await queue.standing(
        scene.db, [expiry.removal_key(user, one) for one in found if one.membership in expiry.HERE]
    )
    out = {key for key, wish in taken.items() if wish.state == "done"}
    return tuple(replace(one, membership="leave") if expiry.removal_key(user, one) in out else one for one in found)


async def _is_here(scene: Scene, user: str) -> bool:
    return any(one.membership in expiry.HERE for one in await terms.there(scene.db, user))


async def _tell(scene: Scene, term: Term, what: str, text: Text) -> None:
    language = await language_of(scene, term.user)
    key = f"term/{term.user}/{term.period}/{what}"
    scene.puts.append(Put(Tell(key=key, user=term.user, text=text, language=language)))


async def tell_staff(scene: Scene, key: str, text: Text, case: int | None = None) -> None:
    """Say something in the staff room, once for this key."""
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None:
        said = in_a_room(text)
        scene.puts.append(Put(Say(key=key, room=staff.room, text=said, language=scene.config.language, case=case)))
