"""Whom the configuration names: so that it is noticed when somebody is named no more."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table `named`."""
    op.create_table(
        "named",
        sa.Column("user", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("gone_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("user", "place", name=op.f("pk_named")),
    )
