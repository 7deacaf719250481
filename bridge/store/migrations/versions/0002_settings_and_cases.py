"""What commands decided about rooms, and what waits for a decision by staff."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BIG = sa.BigInteger()


def upgrade() -> None:
    """Make the tables `settings` and `cases`."""
    op.create_table(
        "settings",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("cause", NUMBER, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("applied_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(["cause"], ["ledger.id"], name=op.f("fk_settings_cause")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settings")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_settings_pending", "settings", ["id"], unique=False,
        sqlite_where=sa.text("applied_ms IS NULL"), postgresql_where=sa.text("applied_ms IS NULL"),
    )  # fmt: skip
    op.create_table(
        "cases",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=True),
        sa.Column("state", TEXT, server_default="open", nullable=False),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("actor", TEXT, nullable=True),
        sa.Column("event", TEXT, nullable=True),
        sa.Column("made_ms", BIG, nullable=False),
        sa.Column("settled_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("event", name=op.f("uq_cases_event")),
        sa.UniqueConstraint("key", name=op.f("uq_cases_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cases_subject", "cases", ["subject"], unique=False)
