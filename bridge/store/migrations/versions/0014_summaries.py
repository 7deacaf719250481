"""What the one line of ours at the end of a shared thread stands for."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table `summaries`."""
    op.create_table(
        "summaries",
        sa.Column("root", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("said", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("event", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("root", "room", name=op.f("pk_summaries")),
    )
