"""All tables of Hearth, in one schema; never a query. No column holds anybody's words, display name or token.

Times are integer milliseconds UTC (`_ms`). Ids of Matrix are text and never taken apart: since room version 12 a room id has no server part.
`seq` is the order in which we heard of things: it is the only order that no other server can forge, so windows and marks are made of it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as AnyText  # fmt: skip

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives rising numbers only to INTEGER keys; PostgreSQL should have 64 bits.
Number = BigInteger().with_variant(Integer, "sqlite")

# Compared byte by byte on both databases: "newest by (time, id)" and every order must not depend on a server's locale.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")


# --- what happened -------------------------------------------------------------------------------------------------------------------

cursors = Table(
    "cursors", metadata,
    Column("name", Text, primary_key=True),  # "sync"
    Column("token", Text, nullable=False),
)  # fmt: skip

claims = Table(  # an event is handled once: whoever inserts its id first does it
    "claims", metadata,
    Column("event", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_claims_at_ms", "at_ms"),
)  # fmt: skip

failures = Table(  # events whose handler crashed, and effects that are a bug: set aside, shown to staff, replayed by a person
    "failures", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("event", Text), Column("room", Text), Column("outbox_key", Text),
    Column("where", Text, nullable=False),  # module and line, never a message
    Column("error", Text, nullable=False),  # class name only
    Column("at_ms", BigInteger, nullable=False),
)  # fmt: skip

posts = Table(  # that a message exists in a room of ours; what it says stays on the homeserver
    "posts", metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("event", Text, nullable=False, unique=True),
    Column("room", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),  # the sender's word, never above seen_ms
    Column("seen_ms", BigInteger, nullable=False),  # our clock when we handled it
    Column("thread", Text),  # root event id; null for a message of the main timeline
    Column("reply_to", Text),
    Column("edited", Text),  # the newest edit's event id, by (at_ms, id)
    Column("edited_ms", BigInteger),  # its sender's word as it is
    Column("redacted", Boolean, nullable=False, server_default=text("false")),
    Column("copied", Boolean, nullable=False, server_default=text("false")),  # it is a copy itself, of another Hearth or said again by a relay
    Column("automatic", Boolean, nullable=False, server_default=text("false")),  # a program's word: it came as a notice
    Index("ix_posts_room_seq", "room", "seq"), Index("ix_posts_thread", "thread"), Index("ix_posts_author_seq", "author", "seq"),
    Index("ix_posts_reply_to", "reply_to"),
    sqlite_autoincrement=True,  # a number that was used is never used again, even when the newest row is deleted
)  # fmt: skip

post_tags = Table(
    "post_tags", metadata,
    Column("event", Text, primary_key=True),
    Column("tag", Text, primary_key=True),  # folded, without '#'
    Index("ix_post_tags_tag", "tag"),
)  # fmt: skip

versions = Table(  # the tags of every text that an edited message ever had, so that those of before hold again when an edit is redacted
    "versions", metadata,
    Column("event", Text, primary_key=True),  # the edit, or the message itself
    Column("target", Text, nullable=False),  # the message
    Column("at_ms", BigInteger, nullable=False),  # the sender's word as it is; -1: the message's own text, older than every edit
    Column("tags", Text, nullable=False),  # as a JSON list, sorted
    Column("redacted", Boolean, nullable=False, server_default=text("false")),
    Column("since_seq", BigInteger),  # the newest post when we heard of it; null: it was heard of before this was kept
    Index("ix_versions_target", "target"),
)  # fmt: skip

mentions = Table(  # whom a message calls on, as its newest text says
    "mentions", metadata,
    Column("event", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Index("ix_mentions_user", "user"),
)  # fmt: skip

reactions = Table(  # that somebody reacted to a message
    "reactions", metadata,
    Column("event", Text, primary_key=True),
    Column("target", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("emoji", Text),  # without form and skin tone; null: it was a word or a picture
    Index("ix_reactions_target", "target"), Index("ix_reactions_user", "user"),
)  # fmt: skip

reads = Table(  # up to where people have read, by their public receipts
    "reads", metadata,
    Column("user", Text, primary_key=True),
    Column("room", Text, primary_key=True),
    Column("thread", Text, primary_key=True),  # its root; "main": in no thread; "": the whole room
    Column("seq", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),  # their server's word for when, never above our clock
)  # fmt: skip

early = Table(  # edits and redactions that came before what they are about
    "early", metadata,
    Column("target", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # edit | redaction
    Column("sender", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),  # the sender's word as it is: the newest edit is newest by it everywhere
    Column("tags", Text, nullable=False),  # an edit's, as a JSON list, sorted
    Column("seen_ms", BigInteger, nullable=False),
    Index("ix_early_seen_ms", "seen_ms"),
)  # fmt: skip


# --- rooms and people ----------------------------------------------------------------------------------------------------------------

rooms = Table(  # the rooms of this community: made or adopted by us. No other room is ever touched
    "rooms", metadata,
    Column("room", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # space | common | staff | circle/<tag> | room/<name> | district/<number> | replaced/<id>
    Column("kind", Text, nullable=False),  # space | common | staff | circle | room | district
    Column("tag", Text),  # a circle's own, folded
    Column("alias", Text),
    Column("encrypted", Boolean, nullable=False),
    Column("history", Text, nullable=False),  # shared | invited | joined | world_readable
    Column("made_ms", BigInteger, nullable=False),
    Column("replaced_by", Text),  # the room that goes on in this one's place; null: it is in use
    Column("told", Text, nullable=False, server_default=text("''")),  # how far its people were told that its words may reach, as `reach` calls it
    Column("told_ms", BigInteger),  # when that changed
)  # fmt: skip

histories = Table(  # what newcomers could read of what came after since_seq, until the next row of the room. A room without rows never changed it
    "histories", metadata,
    Column("room", Text, primary_key=True),
    Column("since_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("history", Text, nullable=False),
)  # fmt: skip

uploads = Table(  # pictures of rooms, each uploaded once
    "uploads", metadata,
    Column("sha256", Text, primary_key=True),
    Column("uri", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)  # fmt: skip

welcomes = Table(  # the pinned welcome of a room; what it says is in the configuration
    "welcomes", metadata,
    Column("room", Text, primary_key=True),
    Column("event", Text, nullable=False),  # the message; later words are edits of it
    Column("digest", Text, nullable=False),  # SHA-256 of what it says now
    Column("revision", Integer, nullable=False),  # how often it was said or changed
)  # fmt: skip

settings = Table(  # what commands decided about rooms: desired state beside the file; the newest row of a field counts
    "settings", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False),  # the room's: space, common, circle/<tag>
    Column("field", Text, nullable=False),
    Column("value", Text, nullable=False),  # JSON
    Column("cause", Number, ForeignKey("ledger.id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("applied_ms", BigInteger),  # when the room was made to match; null: not yet
    Index("ix_settings_pending", "id", sqlite_where=text("applied_ms IS NULL"), postgresql_where=text("applied_ms IS NULL")),
    sqlite_autoincrement=True,
)  # fmt: skip

cases = Table(  # what waits for a decision by staff
    "cases", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),  # a second report of the same thing joins the first
    Column("kind", Text, nullable=False),  # knock | payment | ...
    Column("subject", Text, nullable=False),  # whom it is about
    Column("room", Text),
    Column("state", Text, nullable=False, server_default="open"),  # open | settled
    Column("outcome", Text),
    Column("actor", Text),  # who settled it
    Column("event", Text, unique=True),  # the message in the staff room that shows it
    Column("made_ms", BigInteger, nullable=False), Column("settled_ms", BigInteger),
    Column("hidden", Boolean, nullable=False, server_default=text("false")),  # it is about somebody of staff: only others of them are told, one by one
    Column("owner", Text), Column("claimed_ms", BigInteger),  # who looks after it, and since when
    Index("ix_cases_subject", "subject"),
    sqlite_autoincrement=True,
)  # fmt: skip

reports = Table(  # who told us of what is a case now: nobody else hears that, and it is forgotten once they were told what came of it
    "reports", metadata,
    Column("case", Number, ForeignKey("cases.id"), primary_key=True),
    Column("user", Text, primary_key=True),
    Column("words", Text),  # where what they wrote can be read: "room event words-before", or "button number"
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_reports_user", "user"),
)  # fmt: skip

memberships = Table(  # who was what in a room of ours from when to when, in the order in which we heard of it; until null: now
    "memberships", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("room", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("membership", Text, nullable=False),  # join | invite | knock | leave | ban
    Column("since_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger),
    # The newest posts.seq at that moment: a post with since_seq < seq <= until_seq came while it was so, whatever clocks say.
    Column("since_seq", BigInteger, nullable=False),
    Column("until_seq", BigInteger),
    Index("uq_memberships_current", "room", "user", unique=True,
          sqlite_where=text("until_ms IS NULL"), postgresql_where=text("until_ms IS NULL")),
    Index("ix_memberships_user", "user"),
)  # fmt: skip

people = Table(
    "people", metadata,
    Column("user", Text, primary_key=True),
    Column("language", Text),
    Column("zone", Text),
    Column("direct_room", Text, unique=True),
    Column("direct_encrypted", Boolean),
    Column("consent", Boolean),  # may their replies travel with a shared thread? null: not asked or not answered
    Column("digest", Text, nullable=False, server_default="off"),  # off | daily | weekly
    Column("digest_minute", Integer),  # of the local day
    Column("digest_weekday", Integer),  # 0 Monday
    Column("digest_mark", BigInteger, nullable=False, server_default="0"),  # posts.seq up to which digests covered
    Column("shown", Text),  # on copies: profile | anonymous; null: the name they have here
    Column("quiet_from", Integer), Column("quiet_until", Integer),  # minutes of the local day between which nothing comes unasked; null: no such hours
    Column("digest_pause", Text),  # the local date from which digests come again; a past one is over
    Column("digest_ms", BigInteger),  # until when digests have covered what happened; null: there was none of this rhythm yet
    Column("digest_most", Integer),  # so many conversations in a digest; null: as the configuration says
    Column("digest_rests", Text),  # daily or weekly: their digests came so until they left the chats for them twice
    Column("notify", Boolean),  # are they told at once who answers or mentions them? null: as long as digests come
)  # fmt: skip

onboarding = Table(  # newcomers being led through what there is to know; who was here before Hearth has no row
    "onboarding", metadata,
    Column("user", Text, primary_key=True),
    Column("state", Text, nullable=False),  # open | paused | waiting | done
    Column("step", Text, nullable=False),  # language | rules | zone | name | follows
    Column("began_ms", BigInteger, nullable=False),
    Column("offer", Text),  # JSON: what can be followed at once, [kind, id or tag]
    Column("rules_asked", Text),  # the version (a hash) that was shown last
    Column("rules_accepted", Text), Column("accepted_ms", BigInteger),
)  # fmt: skip

community_names = Table(  # that somebody has a name of their own here; the name itself stands in their direct room, on the homeserver
    "community_names", metadata,
    Column("user", Text, primary_key=True),
    Column("seal", Text, nullable=False, unique=True),  # keyed hash of what the name looks like
    Column("room", Text),  # where it stands; null until it does
)  # fmt: skip

greetings = Table(  # who is new in a circle and whether anybody has said hello
    "greetings", metadata,
    Column("circle", Text, primary_key=True),  # the room's key: it stays the same when the room is replaced
    Column("user", Text, primary_key=True),
    Column("entered_ms", BigInteger, nullable=False),
    Column("greeted_ms", BigInteger),
)  # fmt: skip

prompts = Table(  # messages of ours that a reaction answers
    "prompts", metadata,
    Column("event", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("kind", Text, nullable=False),
)  # fmt: skip


# --- coming in -----------------------------------------------------------------------------------------------------------------------

codes = Table(  # invite codes; the code itself is shown once and stored nowhere
    "codes", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("salt", Text, nullable=False), Column("hash", Text, nullable=False),  # sha256 of salt and code, both in hex
    Column("circle", Text),  # its room's key; null: any
    Column("uses", Integer, nullable=False), Column("used", Integer, nullable=False, server_default="0"),
    Column("until_ms", BigInteger, nullable=False),
    Column("maker", Text, nullable=False),
    Column("cause", Number, ForeignKey("ledger.id"), nullable=False),
    Column("revoked_ms", BigInteger),
    Column("member_ms", BigInteger), Column("member_until", Text),  # who comes in by it is a member so long, or until that day; null: with no end
    sqlite_autoincrement=True,
)  # fmt: skip

code_uses = Table(  # who came in by which code: the same person twice is one use
    "code_uses", metadata,
    Column("code", Number, ForeignKey("codes.id"), primary_key=True),
    Column("user", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)  # fmt: skip

belongs = Table(  # whose circle is whose, beside what the configuration says
    "belongs", metadata,
    Column("user", Text, primary_key=True),
    Column("circle", Text, primary_key=True),  # its room's key
    Column("since_ms", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),  # code/<number> | ledger/<id> | case/<number> | assigned
    Index("ix_belongs_circle", "circle"),
)  # fmt: skip

strangers = Table(  # direct rooms of people whom we do not know; left again when nothing comes of it
    "strangers", metadata,
    Column("room", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),  # when we come in: later than now when many ask at once
    Index("ix_strangers_user", "user"), Index("ix_strangers_from_ms", "from_ms"),
)  # fmt: skip

tries = Table(  # wrong codes of one person within an hour
    "tries", metadata,
    Column("user", Text, primary_key=True),
    Column("wrong", Integer, nullable=False),
    Column("since_ms", BigInteger, nullable=False),  # the first of them; with the last that is allowed: when silence began
)  # fmt: skip

apart = Table(  # two people who are not to be in one circle, beside what the configuration says; for staff only
    "apart", metadata,
    Column("one", Text, primary_key=True), Column("other", Text, primary_key=True),  # in their order
    Column("cause", Number, ForeignKey("ledger.id"), nullable=False),
)  # fmt: skip


# --- memberships that end ------------------------------------------------------------------------------------------------------------

terms = Table(
    "terms", metadata,
    Column("user", Text, primary_key=True),
    Column("until", Text),  # the last day, on the member's own calendar, as 2026-03-01; null: no end
    Column("granted", Text),  # what staff or a code said, apart from payments: a day, or never
    Column("days", Integer),  # how long it was given for the last time
    Column("period", Integer, nullable=False),  # counts up whenever the end changes: messages are told once in each
    Column("stage", Text, nullable=False),  # running | grace | ended
    Column("reminded", Integer),  # the smallest number of days before the end for which there was a reminder
    Column("places", Text, nullable=False, server_default="[]"),  # JSON: keys of the rooms that a renewal gives back
    Column("cause", Number, ForeignKey("ledger.id"), nullable=False),
    Index("ix_terms_stage", "stage"),
)  # fmt: skip

named = Table(  # whom the configuration named at the last look, and as what
    "named", metadata,
    Column("user", Text, primary_key=True),
    Column("place", Text, primary_key=True),  # owner | moderator | a circle's key
    Column("gone_ms", BigInteger),  # named no more since then, and still in the staff room
)  # fmt: skip

silences = Table(  # who may only read in which room by our doing, in their days of grace
    "silences", metadata,
    Column("room", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Index("ix_silences_user", "user"),
)  # fmt: skip

notices = Table(  # what was told of payments, by signed webhook. Of a payer nothing but the sender's own reference is known
    "notices", metadata,
    Column("id", Text, primary_key=True),  # the sender's: a notice that is repeated is heard once
    Column("kind", Text, nullable=False),  # membership.paid | membership.refunded | membership.ended
    Column("payer", Text, nullable=False),
    Column("user", Text),  # whom the sender takes the payer for
    Column("period", Text), Column("until", Text), Column("days", Integer),
    Column("at_ms", BigInteger, nullable=False),  # the sender's word
    Column("heard_ms", BigInteger, nullable=False),
    Column("done_ms", BigInteger),  # when its consequences were written down; null: not yet
    Index("ix_notices_payer", "payer"),
    Index("ix_notices_waiting", "heard_ms", sqlite_where=text("done_ms IS NULL"), postgresql_where=text("done_ms IS NULL")),
)  # fmt: skip

payers = Table(  # who it is that pays under this reference
    "payers", metadata,
    Column("payer", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("paid_until", Text),  # what its notices come to so far
    Index("ix_payers_user", "user"),
)  # fmt: skip


# --- shared threads ------------------------------------------------------------------------------------------------------------------

shares = Table(
    "shares", metadata,
    Column("root", Text, primary_key=True),
    Column("source_room", Text, nullable=False),
    Column("room", Text, primary_key=True),  # where the copy is
    Column("author", Text, nullable=False),
    Column("cause", Text, nullable=False),  # the event that asked for it
    Column("live", Boolean, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("bundle", Number),  # in which bundle it stands; null: on its own
    Index("ix_shares_bundle", "bundle"),
)  # fmt: skip

bundles = Table(  # messages of ours in whose thread several shared threads stand: numbers only
    "bundles", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("source_room", Text, nullable=False),
    Column("room", Text, nullable=False),  # where it stands
    Column("began_ms", BigInteger, nullable=False),
    Column("said", Integer, nullable=False),  # how many threads it should name
    Column("revision", Integer, nullable=False),  # how often it was to change: part of the newest wish's key
    Column("event", Text),  # our message, while it can be seen
    Column("closed", Boolean, nullable=False),  # takes no more threads, and its message goes
    Index("ix_bundles_room", "room", "source_room"), Index("ix_bundles_event", "event"),
)  # fmt: skip

share_requests = Table(  # that somebody wanted a thread to be shared, and what its author said to that
    "share_requests", metadata,
    Column("root", Text, primary_key=True),
    Column("author", Text, nullable=False),
    Column("asked_by", Text, nullable=False),  # the author themselves, when nobody had to be asked
    Column("asked_ms", BigInteger, nullable=False),
    Column("agreed", Boolean),  # null: not answered yet
    Column("answered_ms", BigInteger),
    Index("ix_share_requests_asked_ms", "asked_ms"),
)  # fmt: skip

offers = Table(  # that somebody wanted one reply of theirs to be shared together with the root, and what the root's author said to that
    "offers", metadata,
    Column("reply", Text, primary_key=True),
    Column("room", Text, primary_key=True),  # where it would be shared
    Column("root", Text, nullable=False),
    Column("author", Text, nullable=False),  # of the root
    Column("asked_by", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("agreed", Boolean),  # null: not answered yet
    Column("answered_ms", BigInteger),
    Index("ix_offers_root", "root"),
)  # fmt: skip

awaiting_notice = Table(  # threads that may be shared as soon as the people of their room were told how far that reaches
    "awaiting_notice", metadata,
    Column("root", Text, primary_key=True),
    Column("source_room", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)  # fmt: skip

copies = Table(
    "copies", metadata,
    Column("source", Text, primary_key=True),
    Column("room", Text, primary_key=True),
    Column("root", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("copy", Text),  # event id; null until it is sent
    Column("live", Boolean, nullable=False),
    Index("ix_copies_root", "root"), Index("ix_copies_copy", "copy"), Index("ix_copies_author", "author"),
)  # fmt: skip

struck = Table(  # copies that somebody else than us took away: in that room they never stand again
    "struck", metadata,
    Column("source", Text, primary_key=True),
    Column("room", Text, primary_key=True),  # where the copy was
    Column("cause", Text, nullable=False),  # the redaction's event id
    Column("at_ms", BigInteger, nullable=False),
    Column("copy", Text),  # the event id that it had
)  # fmt: skip

echoes = Table(  # by what a copy is recognised when a relay says it again without our mark; for a day
    "echoes", metadata,
    Column("seal", Text, primary_key=True),  # keyed hash of how it begins
    Column("length", Integer, nullable=False),  # how many letters that is
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_echoes_at_ms", "at_ms"),
)  # fmt: skip

announcements = Table(  # messages that were to appear in several circles; their copies stand in `copies`, each a root of its own
    "announcements", metadata,
    Column("source", Text, primary_key=True),
    Column("room", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_announcements_author", "author"),
)  # fmt: skip

copy_edits = Table(  # our own edits of copies: they hold words too, and redacting the copy does not empty them
    "copy_edits", metadata,
    Column("event", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("room", Text, nullable=False),
    Index("ix_copy_edits_source", "source"),
)  # fmt: skip

summaries = Table(  # the one line of ours at the end of a shared thread: numbers only
    "summaries", metadata,
    Column("root", Text, primary_key=True),
    Column("room", Text, primary_key=True),
    Column("said", Text, nullable=False),  # SHA-256 of what it should say; empty: nothing
    Column("revision", Integer, nullable=False),  # how often it was to change: part of the newest wish's key
    Column("event", Text),  # our message, while it can be seen
)  # fmt: skip


# --- follows and digests -------------------------------------------------------------------------------------------------------------

follows = Table(
    "follows", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("user", Text, nullable=False),
    Column("kind", Text, nullable=False),  # person | tag | circle | thread | person_tag
    Column("target", Text, nullable=False),  # user id | tag | room id | root event id
    Column("tag", Text, nullable=False, server_default=""),  # for person_tag
    Column("at_ms", BigInteger, nullable=False),
    Column("wish", Text, nullable=False, server_default="follow"),  # follow | mute | block
    UniqueConstraint("user", "kind", "target", "tag", "wish"),
    Index("ix_follows_kind_target", "kind", "target"),
)  # fmt: skip

digests = Table(
    "digests", metadata,
    Column("id", Text, primary_key=True),  # <user>/<local date> or <user>/now/<command's event id>
    Column("user", Text, nullable=False),
    Column("from_seq", BigInteger, nullable=False), Column("to_seq", BigInteger, nullable=False),
    Column("more", Integer, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("room", Text), Column("event", Text),  # where it was delivered
    Column("from_ms", BigInteger),  # from when on it covers what happened; null: it is the first, or was asked for
    Index("ix_digests_user", "user"),
)  # fmt: skip

digest_items = Table(
    "digest_items", metadata,
    Column("digest", Text, ForeignKey("digests.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("event", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("reasons", Text, nullable=False),  # JSON: why it is here
    Column("replies", Integer, nullable=False),
    Index("ix_digest_items_event", "event"),
)  # fmt: skip

due = Table(  # what is to happen at a time of somebody's own wall clock
    "due", metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("next_ms", BigInteger, nullable=False),
    Column("slot", Text, nullable=False),  # the name of that occasion, e.g. the local date
    Index("ix_due_kind_next_ms", "kind", "next_ms"),
)  # fmt: skip


# --- moderation ----------------------------------------------------------------------------------------------------------------------

ledger = Table(  # who did what to whom, when and why; written before the act, the outcome after it; never deleted from
    "ledger", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("reason", Text), Column("rule", Text), Column("room", Text),
    Column("event", Text, unique=True),  # the command that caused it
    Column("outcome", Text),  # JSON: counts and the rooms that could not
    Column("settled_ms", BigInteger),
    sqlite_autoincrement=True,
)  # fmt: skip

sanctions = Table(
    "sanctions", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),  # note | warn | slow | mute | kick | ban; of rooms: lock | invites
    Column("entity", Text, nullable=False),  # user | server; room
    Column("target", Text, nullable=False),  # an id, a server name, or a glob of one; a room's key, or * for all
    Column("reason", Text),
    Column("cause", Number, ForeignKey("ledger.id"), nullable=False),
    Column("lifted_by", Number, ForeignKey("ledger.id")),
    Column("scope", Text, nullable=False, server_default=""),  # the key of the only room where it holds; empty: in all
    Column("until_ms", BigInteger),  # it ends by itself then; null: only when somebody lifts it
    Column("gap_ms", BigInteger),  # of slow: so long between two messages
    Column("rule", Number, nullable=False, server_default="0"),  # the rule of a watched list that asks for it; 0: people here decided it
    Column("spared", Text, nullable=False, server_default=""),  # of one of many: the people whom it does not mean all the same, with blanks between
    Index("ix_sanctions_standing", "kind", "entity", "target", "scope", "rule", unique=True,
          sqlite_where=text("lifted_by IS NULL AND kind NOT IN ('note', 'warn')"),
          postgresql_where=text("lifted_by IS NULL AND kind NOT IN ('note', 'warn')")),
    Index("ix_sanctions_until_ms", "until_ms", sqlite_where=text("lifted_by IS NULL AND until_ms IS NOT NULL"),
          postgresql_where=text("lifted_by IS NULL AND until_ms IS NOT NULL")),
)  # fmt: skip

mutes = Table(  # who may only read in which room, by which sanction
    "mutes", metadata,
    Column("room", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("sanction", Number, ForeignKey("sanctions.id"), nullable=False),
    Index("ix_mutes_user", "user"),
)  # fmt: skip

sweeps = Table(  # messages that are to be redacted, and still have to be looked for in the rooms
    "sweeps", metadata,
    Column("cause", Number, ForeignKey("ledger.id"), primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # message | thread | user
    Column("target", Text, nullable=False),  # an event id or a user id
    Column("scope", Text, nullable=False),  # the id of the only room to look in; empty: all
    Column("since_ms", BigInteger), Column("most", Integer),
    Column("done_ms", BigInteger),
    Index("ix_sweeps_waiting", "cause", sqlite_where=text("done_ms IS NULL"), postgresql_where=text("done_ms IS NULL")),
)  # fmt: skip

bans = Table(  # bans in rooms that are our doing, and which sanction caused each; a lifted sanction lifts only these
    "bans", metadata,
    Column("room", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("sanction", Number, ForeignKey("sanctions.id"), nullable=False),
)  # fmt: skip

policy_lists = Table(  # lists of rules: other people's that are watched, and the one in which our bans are published
    "policy_lists", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("address", Text, nullable=False, unique=True),  # as it was named: a room id or an address
    Column("via", Text, nullable=False, server_default=""),  # servers that know it, with blanks between
    Column("room", Text, unique=True),  # null: not found yet
    Column("stance", Text, nullable=False, server_default=""),  # act | ask | show; empty: not watched
    Column("publishes", Text, nullable=False, server_default=""),  # plain | hashed: our bans are written there; empty: they are not
    Column("trouble", Text, nullable=False, server_default=""),  # a code: why it cannot be read; empty: it was read
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_ms", BigInteger),  # when it is to be entered or read; null: never
    Column("read_ms", BigInteger),  # when all of it was read last
    Column("unusable", Integer, nullable=False, server_default="0"),  # how many of its rules make no sense, or ask for something else
    Column("hit_ms", BigInteger, nullable=False, server_default="0"),  # when the hour began in which it hit so many of us
    Column("hit", Integer, nullable=False, server_default="0"),
    Column("cause", Number, ForeignKey("ledger.id"), nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip

policy_rules = Table(  # the rules of watched lists; one that was changed is another one
    "policy_rules", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("list", Number, ForeignKey("policy_lists.id"), nullable=False),
    Column("type", Text, nullable=False), Column("state_key", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("entity", Text, nullable=False),  # user | server | room
    Column("target", Text, nullable=False),  # an id, a server name, or a glob; empty: only its hash is known
    Column("hash", Text),  # SHA-256 in hex
    Column("takedown", Boolean, nullable=False), Column("reason", Text),
    Column("state", Text, nullable=False),  # new | on | asked | held | shown | refused | gone
    Column("held", Number),  # the ledger row under which it was put before staff
    Column("seq", BigInteger, nullable=False),  # which change this was the last of
    Index("uq_policy_rules_live", "list", "type", "state_key", unique=True,
          sqlite_where=text("state <> 'gone'"), postgresql_where=text("state <> 'gone'")),
    Index("ix_policy_rules_seq", "seq"), Index("ix_policy_rules_list", "list", "state"), Index("ix_policy_rules_event", "event"),
    Index("ix_policy_rules_held", "held"), Index("ix_policy_rules_target", "target"), Index("ix_policy_rules_hash", "hash"),
    sqlite_autoincrement=True,
)  # fmt: skip

shut_out = Table(  # servers that followed rules shut out, and since when and until when (null: they still do); forgotten a week later
    "shut_out", metadata,
    Column("server", Text, primary_key=True),  # a name or a glob
    Column("from_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("to_ms", BigInteger),
    Index("ix_shut_out_to_ms", "to_ms"),
)  # fmt: skip

published = Table(  # bans of ours that stand in our own list, and where
    "published", metadata,
    Column("sanction", Number, ForeignKey("sanctions.id"), primary_key=True, autoincrement=False),
    Column("list", Number, ForeignKey("policy_lists.id"), primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False), Column("state_key", Text, nullable=False),
)  # fmt: skip

guards = Table(  # how often each protection acted lately, and whether it paused itself
    "guards", metadata,
    Column("rule", Text, primary_key=True),
    Column("since_ms", BigInteger, nullable=False),  # when the minute that is counted began
    Column("acts", Integer, nullable=False),
    Column("paused_ms", BigInteger),
)  # fmt: skip

rehearsals = Table(  # what protections that only count would have done
    "rehearsals", metadata,
    Column("rule", Text, primary_key=True),
    Column("act", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)  # fmt: skip

repeats = Table(  # that newcomers said the same as others: a keyed hash of what it looks like, forgotten after an hour or so
    "repeats", metadata,
    Column("event", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("user", Text, nullable=False), Column("room", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_repeats_hash", "hash"), Index("ix_repeats_at_ms", "at_ms"),
)  # fmt: skip


# --- circles -------------------------------------------------------------------------------------------------------------------------

confirmations = Table(  # commands that wait for a confirming reaction
    "confirmations", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("command", Text, nullable=False),
    Column("args", Text, nullable=False),  # JSON: ids, tags, numbers
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False, unique=True),  # of the message that gave the command
    Column("room", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False), Column("settled_ms", BigInteger),
    sqlite_autoincrement=True,
)  # fmt: skip

moves = Table(  # people on their way into a circle, and the one that they leave once they are in
    "moves", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("user", Text, nullable=False),
    Column("source", Text),  # room id; null: they leave none
    Column("target", Text, nullable=False),  # room id
    Column("cause", Number, ForeignKey("ledger.id"), nullable=False),
    Column("made_ms", BigInteger, nullable=False), Column("ended_ms", BigInteger),
    Index("uq_moves_open", "user", "target", unique=True,
          sqlite_where=text("ended_ms IS NULL"), postgresql_where=text("ended_ms IS NULL")),
    sqlite_autoincrement=True,
)  # fmt: skip

splits = Table(  # circles whose people are asked whether they would like to go to a new one
    "splits", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),  # room id
    Column("target", Text, nullable=False, unique=True),  # the new circle's key
    Column("cause", Number, ForeignKey("ledger.id"), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("asked_ms", BigInteger),  # when everybody's question was written down; answers count for a week from then
    sqlite_autoincrement=True,
)  # fmt: skip

split_answers = Table(  # who was asked, and what they said last; null: nothing yet, so they stay
    "split_answers", metadata,
    Column("split", Number, ForeignKey("splits.id"), primary_key=True),
    Column("user", Text, primary_key=True),
    Column("answer", Boolean),
)  # fmt: skip

crowded = Table(  # circles with more people than they hold well, of which their curators and staff have been told
    "crowded", metadata,
    Column("room", Text, primary_key=True),
    Column("told_ms", BigInteger, nullable=False),
)  # fmt: skip


# --- who asked to be forgotten -------------------------------------------------------------------------------------------------------

forgettings = Table(  # people on their way to be forgotten; the row goes with all else
    "forgettings", metadata,
    Column("user", Text, primary_key=True),
    Column("room", Text, nullable=False),  # their direct room, where the proof is told
    Column("messages", Boolean, nullable=False),  # are their messages to be emptied, too?
    Column("stage", Text, nullable=False),  # copies | messages | memory
    Column("until_seq", BigInteger, nullable=False),  # messages that we heard of up to this one
    Column("done_seq", BigInteger, nullable=False),  # emptying them was wished for up to this one
    Column("places", Text, nullable=False),  # JSON: how many copies stood in which room
    Column("language", Text, nullable=False),
    Column("cause", Number, ForeignKey("ledger.id"), nullable=False),
)  # fmt: skip


# --- what is wanted ------------------------------------------------------------------------------------------------------------------

outbox = Table(
    "outbox", metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("payload", Text),  # JSON; erased when settled
    Column("lane", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("intent", Number, ForeignKey("ledger.id")),
    Column("state", Text, nullable=False, server_default="due"),  # due | done | skipped | dead
    Column("attempts", Integer, nullable=False, server_default="0"),  # that failed; being held back by a limit is not failing
    Column("first_tried_ms", BigInteger),
    Column("next_ms", BigInteger, nullable=False),
    Column("error", Text),  # code only
    Column("result", Text),  # event id or room id
    Column("made_ms", BigInteger, nullable=False), Column("settled_ms", BigInteger),
    Column("turn", BigInteger, nullable=False, server_default="0"),  # lanes of one priority take turns: the first row of each that has been first longest
    Index("ix_outbox_due", "priority", "turn", "id", sqlite_where=text("state = 'due'"), postgresql_where=text("state = 'due'")),
    Index("ix_outbox_lane", "lane", "id", sqlite_where=text("state = 'due'"), postgresql_where=text("state = 'due'")),
    Index("ix_outbox_next_ms", "next_ms", sqlite_where=text("state = 'due'"), postgresql_where=text("state = 'due'")),
    Index("ix_outbox_intent", "intent"),
    Index("ix_outbox_settled_ms", "settled_ms"),
    sqlite_autoincrement=True,
)  # fmt: skip
