"""Rooms that were replaced (upgraded) stay ours, and know which room goes on in their place."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column `rooms.replaced_by`."""
    op.add_column("rooms", sa.Column("replaced_by", TEXT, nullable=True))
