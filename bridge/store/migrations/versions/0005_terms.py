"""Memberships that end, and what was told of payments."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BIG = sa.BigInteger()


def upgrade() -> None:
    """Make the tables `terms`, `silences`, `notices` and `payers`."""
    op.create_table(
        "terms",
        sa.Column("user", TEXT, nullable=False),
        sa.Column("until", TEXT, nullable=True),
        sa.Column("granted", TEXT, nullable=True),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("reminded", sa.Integer(), nullable=True),
        sa.Column("places", TEXT, server_default="[]", nullable=False),
        sa.Column("cause", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["cause"], ["ledger.id"], name=op.f("fk_terms_cause")),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_terms")),
    )
    op.create_index("ix_terms_stage", "terms", ["stage"], unique=False)
    op.create_table(
        "silences",
        sa.Column("room", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("room", "user", name=op.f("pk_silences")),
    )
    op.create_index("ix_silences_user", "silences", ["user"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("payer", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=True),
        sa.Column("period", TEXT, nullable=True),
        sa.Column("until", TEXT, nullable=True),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("heard_ms", BIG, nullable=False),
        sa.Column("done_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_payer", "notices", ["payer"], unique=False)
    op.create_index(
        "ix_notices_waiting", "notices", ["heard_ms"], unique=False,
        sqlite_where=sa.text("done_ms IS NULL"), postgresql_where=sa.text("done_ms IS NULL"),
    )  # fmt: skip
    op.create_table(
        "payers",
        sa.Column("payer", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("paid_until", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("payer", name=op.f("pk_payers")),
    )
    op.create_index("ix_payers_user", "payers", ["user"], unique=False)
