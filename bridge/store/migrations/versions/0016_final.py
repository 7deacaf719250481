"""A copy that a moderator took away stays away."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the tables `struck`, `forgettings` and `echoes`, what the people of a room were told, and which messages are copies themselves."""
    op.create_table(
        "struck",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "room", name=op.f("pk_struck")),
    )
    op.add_column("rooms", sa.Column("told", TEXT, nullable=False, server_default=sa.text("''")))
    op.add_column("rooms", sa.Column("told_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "forgettings",
        sa.Column("user", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("messages", sa.Boolean(), nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("until_seq", sa.BigInteger(), nullable=False),
        sa.Column("done_seq", sa.BigInteger(), nullable=False),
        sa.Column("places", TEXT, nullable=False),
        sa.Column("language", TEXT, nullable=False),
        sa.Column("cause", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["cause"], ["ledger.id"], name=op.f("fk_forgettings_cause")),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_forgettings")),
    )
    op.create_table(
        "echoes",
        sa.Column("seal", TEXT, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seal", name=op.f("pk_echoes")),
    )
    op.create_index("ix_echoes_at_ms", "echoes", ["at_ms"], unique=False)
    op.add_column("posts", sa.Column("copied", sa.Boolean(), nullable=False, server_default=sa.text("false")))
