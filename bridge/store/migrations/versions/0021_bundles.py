"""Bundles: messages of ours in whose thread several shared threads stand, when a room shares many within an hour."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table `bundles`, and let a share say in which one it stands."""
    op.create_table(
        "bundles",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("source_room", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("began_ms", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("event", TEXT, nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundles")),
    )
    op.create_index("ix_bundles_room", "bundles", ["room", "source_room"], unique=False)
    op.create_index("ix_bundles_event", "bundles", ["event"], unique=False)
    op.add_column("shares", sa.Column("bundle", NUMBER, nullable=True))
    op.create_index("ix_shares_bundle", "shares", ["bundle"], unique=False)
