"""Which message of ours it was that somebody took away for good, so that a link to it says of what it was a copy."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0026"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column `copy` to `struck`; of what was taken away before, nobody knows it any more."""
    op.add_column("struck", sa.Column("copy", TEXT, nullable=True))
