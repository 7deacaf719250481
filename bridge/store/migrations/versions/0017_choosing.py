"""What a digest is chosen by: who is mentioned, who reacted, who has read up to where, what could be read when, and what people mute."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0019"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BIG = sa.BigInteger()


def upgrade() -> None:
    """Make the tables `mentions`, `reactions`, `reads` and `histories`; posts say whether they are a program's, follows also what is muted."""
    op.create_table(
        "mentions",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("event", "user", name=op.f("pk_mentions")),
    )
    op.create_index("ix_mentions_user", "mentions", ["user"])
    op.create_table(
        "reactions",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_reactions")),
    )
    op.create_index("ix_reactions_target", "reactions", ["target"])
    op.create_index("ix_reactions_user", "reactions", ["user"])
    op.create_table(
        "reads",
        sa.Column("user", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("thread", TEXT, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("user", "room", "thread", name=op.f("pk_reads")),
    )
    op.create_table(
        "histories",
        sa.Column("room", TEXT, nullable=False),
        sa.Column("since_seq", BIG, nullable=False),
        sa.Column("history", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("room", "since_seq", name=op.f("pk_histories")),
    )
    op.add_column("posts", sa.Column("automatic", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("follows", sa.Column("wish", TEXT, nullable=False, server_default="follow"))
        op.drop_constraint("uq_follows_user_kind_target_tag", "follows", type_="unique")
        op.create_unique_constraint(
            "uq_follows_user_kind_target_tag_wish", "follows", ["user", "kind", "target", "tag", "wish"]
        )
    else:
        _make_anew()


def _make_anew() -> None:
    """SQLite changes no constraint of a table that is there."""
    op.drop_index("ix_follows_kind_target", "follows")
    op.rename_table("follows", "follows_before")
    op.create_table(
        "follows",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("tag", TEXT, server_default="", nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("wish", TEXT, server_default="follow", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follows")),
        sa.UniqueConstraint("user", "kind", "target", "tag", "wish", name=op.f("uq_follows_user_kind_target_tag_wish")),
    )
    names = 'id, "user", kind, target, tag, at_ms'
    op.execute(f"INSERT INTO follows ({names}) SELECT {names} FROM follows_before")  # noqa: S608 - no word of it is anybody's
    op.drop_table("follows_before")
    op.create_index("ix_follows_kind_target", "follows", ["kind", "target"])
