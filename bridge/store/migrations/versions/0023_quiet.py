"""Quiet hours, a pause, and until when digests have covered what happened."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0030"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Let `people` and `digests` know it."""
    op.add_column("people", sa.Column("quiet_from", sa.Integer(), nullable=True))
    op.add_column("people", sa.Column("quiet_until", sa.Integer(), nullable=True))
    op.add_column("people", sa.Column("digest_pause", TEXT, nullable=True))
    op.add_column("people", sa.Column("digest_ms", sa.BigInteger(), nullable=True))
    op.add_column("digests", sa.Column("from_ms", sa.BigInteger(), nullable=True))
