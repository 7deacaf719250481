"""What was said once and appears in several circles."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table `announcements`."""
    op.create_table(
        "announcements",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_announcements")),
    )
    op.create_index("ix_announcements_author", "announcements", ["author"], unique=False)
