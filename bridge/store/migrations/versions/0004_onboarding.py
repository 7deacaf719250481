"""Newcomers: how far they were led, that they have a name here, and whether somebody said hello."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger()


def upgrade() -> None:
    """Make the tables `onboarding`, `community_names` and `greetings`."""
    op.create_table(
        "onboarding",
        sa.Column("user", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("step", TEXT, nullable=False),
        sa.Column("began_ms", BIG, nullable=False),
        sa.Column("offer", TEXT, nullable=True),
        sa.Column("rules_asked", TEXT, nullable=True),
        sa.Column("rules_accepted", TEXT, nullable=True),
        sa.Column("accepted_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_onboarding")),
    )
    op.create_table(
        "community_names",
        sa.Column("user", TEXT, nullable=False),
        sa.Column("seal", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_community_names")),
        sa.UniqueConstraint("seal", name=op.f("uq_community_names_seal")),
    )
    op.create_table(
        "greetings",
        sa.Column("circle", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("entered_ms", BIG, nullable=False),
        sa.Column("greeted_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("circle", "user", name=op.f("pk_greetings")),
    )
