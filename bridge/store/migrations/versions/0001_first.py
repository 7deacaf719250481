"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BIG = sa.BigInteger()


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "claims",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_claims")),
    )
    op.create_index("ix_claims_at_ms", "claims", ["at_ms"], unique=False)
    op.create_table(
        "copies",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("root", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("copy", TEXT, nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", "room", name=op.f("pk_copies")),
    )
    op.create_index("ix_copies_author", "copies", ["author"], unique=False)
    op.create_index("ix_copies_copy", "copies", ["copy"], unique=False)
    op.create_index("ix_copies_root", "copies", ["root"], unique=False)
    op.create_table(
        "copy_edits",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_copy_edits")),
    )
    op.create_index("ix_copy_edits_source", "copy_edits", ["source"], unique=False)
    op.create_table(
        "cursors",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("token", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
    )
    op.create_table(
        "digests",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("from_seq", BIG, nullable=False),
        sa.Column("to_seq", BIG, nullable=False),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.Column("made_ms", BIG, nullable=False),
        sa.Column("room", TEXT, nullable=True),
        sa.Column("event", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digests")),
    )
    op.create_index("ix_digests_user", "digests", ["user"], unique=False)
    op.create_table(
        "due",
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("next_ms", BIG, nullable=False),
        sa.Column("slot", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_due")),
    )
    op.create_index("ix_due_next_ms", "due", ["next_ms"], unique=False)
    op.create_table(
        "early",
        sa.Column("target", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("sender", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("seen_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("target", "event", name=op.f("pk_early")),
    )
    op.create_index("ix_early_seen_ms", "early", ["seen_ms"], unique=False)
    op.create_table(
        "failures",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("event", TEXT, nullable=True),
        sa.Column("room", TEXT, nullable=True),
        sa.Column("outbox_key", TEXT, nullable=True),
        sa.Column("where", TEXT, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failures")),
    )
    op.create_table(
        "follows",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("tag", TEXT, server_default="", nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follows")),
        sa.UniqueConstraint("user", "kind", "target", "tag", name=op.f("uq_follows_user_kind_target_tag")),
    )
    op.create_index("ix_follows_kind_target", "follows", ["kind", "target"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("rule", TEXT, nullable=True),
        sa.Column("room", TEXT, nullable=True),
        sa.Column("event", TEXT, nullable=True),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("settled_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.UniqueConstraint("event", name=op.f("uq_ledger_event")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "memberships",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("membership", TEXT, nullable=False),
        sa.Column("since_ms", BIG, nullable=False),
        sa.Column("until_ms", BIG, nullable=True),
        sa.Column("since_seq", BIG, nullable=False),
        sa.Column("until_seq", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
    )
    op.create_index("ix_memberships_user", "memberships", ["user"], unique=False)
    op.create_index(
        "uq_memberships_current",
        "memberships",
        ["room", "user"],
        unique=True,
        sqlite_where=sa.text("until_ms IS NULL"),
        postgresql_where=sa.text("until_ms IS NULL"),
    )
    op.create_table(
        "people",
        sa.Column("user", TEXT, nullable=False),
        sa.Column("language", TEXT, nullable=True),
        sa.Column("zone", TEXT, nullable=True),
        sa.Column("direct_room", TEXT, nullable=True),
        sa.Column("direct_encrypted", sa.Boolean(), nullable=True),
        sa.Column("consent", sa.Boolean(), nullable=True),
        sa.Column("digest", TEXT, server_default="off", nullable=False),
        sa.Column("digest_minute", sa.Integer(), nullable=True),
        sa.Column("digest_weekday", sa.Integer(), nullable=True),
        sa.Column("digest_mark", BIG, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_people")),
        sa.UniqueConstraint("direct_room", name=op.f("uq_people_direct_room")),
    )
    op.create_table(
        "post_tags",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("event", "tag", name=op.f("pk_post_tags")),
    )
    op.create_index("ix_post_tags_tag", "post_tags", ["tag"], unique=False)
    op.create_table(
        "posts",
        sa.Column("seq", NUMBER, autoincrement=True, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("seen_ms", BIG, nullable=False),
        sa.Column("thread", TEXT, nullable=True),
        sa.Column("reply_to", TEXT, nullable=True),
        sa.Column("edited", TEXT, nullable=True),
        sa.Column("edited_ms", BIG, nullable=True),
        sa.Column("redacted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_posts")),
        sa.UniqueConstraint("event", name=op.f("uq_posts_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_posts_author_seq", "posts", ["author", "seq"], unique=False)
    op.create_index("ix_posts_reply_to", "posts", ["reply_to"], unique=False)
    op.create_index("ix_posts_room_seq", "posts", ["room", "seq"], unique=False)
    op.create_index("ix_posts_thread", "posts", ["thread"], unique=False)
    op.create_table(
        "prompts",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_prompts")),
    )
    op.create_table(
        "rooms",
        sa.Column("room", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("tag", TEXT, nullable=True),
        sa.Column("alias", TEXT, nullable=True),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("history", TEXT, nullable=False),
        sa.Column("made_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("room", name=op.f("pk_rooms")),
        sa.UniqueConstraint("key", name=op.f("uq_rooms_key")),
    )
    op.create_table(
        "shares",
        sa.Column("root", TEXT, nullable=False),
        sa.Column("source_room", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("root", "room", name=op.f("pk_shares")),
    )
    op.create_table(
        "digest_items",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("reasons", TEXT, nullable=False),
        sa.Column("replies", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["digests.id"], name=op.f("fk_digest_items_digest"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", "place", name=op.f("pk_digest_items")),
    )
    op.create_index("ix_digest_items_event", "digest_items", ["event"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("payload", TEXT, nullable=True),
        sa.Column("lane", TEXT, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("intent", NUMBER, nullable=True),
        sa.Column("state", TEXT, server_default="due", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_tried_ms", BIG, nullable=True),
        sa.Column("next_ms", BIG, nullable=False),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("result", TEXT, nullable=True),
        sa.Column("made_ms", BIG, nullable=False),
        sa.Column("settled_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(["intent"], ["ledger.id"], name=op.f("fk_outbox_intent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["priority", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index("ix_outbox_intent", "outbox", ["intent"], unique=False)
    op.create_index(
        "ix_outbox_lane",
        "outbox",
        ["lane", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index(
        "ix_outbox_next_ms",
        "outbox",
        ["next_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index("ix_outbox_settled_ms", "outbox", ["settled_ms"], unique=False)
    op.create_table(
        "sanctions",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("entity", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("cause", NUMBER, nullable=False),
        sa.Column("lifted_by", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(["cause"], ["ledger.id"], name=op.f("fk_sanctions_cause")),
        sa.ForeignKeyConstraint(["lifted_by"], ["ledger.id"], name=op.f("fk_sanctions_lifted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sanctions")),
    )
    op.create_index(
        "ix_sanctions_standing",
        "sanctions",
        ["kind", "entity", "target"],
        unique=True,
        sqlite_where=sa.text("lifted_by IS NULL"),
        postgresql_where=sa.text("lifted_by IS NULL"),
    )
    op.create_table(
        "bans",
        sa.Column("room", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("sanction", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["sanction"], ["sanctions.id"], name=op.f("fk_bans_sanction")),
        sa.PrimaryKeyConstraint("room", "user", name=op.f("pk_bans")),
    )
