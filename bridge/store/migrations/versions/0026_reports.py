"""Reports: who told us of something, who looks after a case, and whether staff as a whole may know of it."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0023"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table `reports`, and let a case say who looks after it and before whom it is hidden."""
    op.add_column("cases", sa.Column("hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("cases", sa.Column("owner", TEXT, nullable=True))
    op.add_column("cases", sa.Column("claimed_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "reports",
        sa.Column("case", NUMBER, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("words", TEXT, nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case"], ["cases.id"], name=op.f("fk_reports_case")),
        sa.PrimaryKeyConstraint("case", "user", name=op.f("pk_reports")),
    )
    op.create_index("ix_reports_user", "reports", ["user"], unique=False)
