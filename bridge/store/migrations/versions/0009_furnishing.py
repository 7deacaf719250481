"""What we put into our rooms: pictures that were uploaded, and welcomes that were said."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables `uploads` and `welcomes`."""
    op.create_table(
        "uploads",
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("uri", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_uploads")),
    )
    op.create_table(
        "welcomes",
        sa.Column("room", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("room", name=op.f("pk_welcomes")),
    )
