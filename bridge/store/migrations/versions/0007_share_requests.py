"""Who was asked whether a thread of theirs may be shared, and what they said."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger()


def upgrade() -> None:
    """Make the table `share_requests`."""
    op.create_table(
        "share_requests",
        sa.Column("root", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("asked_by", TEXT, nullable=False),
        sa.Column("asked_ms", BIG, nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.Column("answered_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("root", name=op.f("pk_share_requests")),
    )
    op.create_index("ix_share_requests_asked_ms", "share_requests", ["asked_ms"], unique=False)
