"""By what somebody is named on copies of their messages, and with which emoji people reacted."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0017"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Let `people` and `reactions` know it."""
    op.add_column("people", sa.Column("shown", TEXT, nullable=True))
    op.add_column("reactions", sa.Column("emoji", TEXT, nullable=True))
