"""Threads that wait until the people of their room were told that words of it may reach further."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0021"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table `awaiting_notice`."""
    op.create_table(
        "awaiting_notice",
        sa.Column("root", TEXT, nullable=False),
        sa.Column("source_room", TEXT, nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("root", name=op.f("pk_awaiting_notice")),
    )
