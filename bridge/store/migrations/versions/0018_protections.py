"""Protections: how often each acted, what those on trial would have done, and what newcomers said again."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0015"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables `guards`, `rehearsals` and `repeats`."""
    op.create_table(
        "guards",
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("acts", sa.Integer(), nullable=False),
        sa.Column("paused_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("rule", name=op.f("pk_guards")),
    )
    op.create_table(
        "rehearsals",
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "act", name=op.f("pk_rehearsals")),
    )
    op.create_table(
        "repeats",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_repeats")),
    )
    op.create_index("ix_repeats_hash", "repeats", ["hash"])
    op.create_index("ix_repeats_at_ms", "repeats", ["at_ms"])
