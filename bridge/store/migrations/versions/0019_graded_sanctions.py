"""Sanctions of every kind, for a time or for good, everywhere or in one circle; who may only read where; what is being redacted."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0016"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
STANDING = sa.text("lifted_by IS NULL AND kind NOT IN ('note', 'warn')")


def upgrade() -> None:
    """Widen `sanctions`, and make the tables `mutes` and `sweeps`."""
    op.add_column("sanctions", sa.Column("scope", TEXT, nullable=False, server_default=""))
    op.add_column("sanctions", sa.Column("until_ms", sa.BigInteger))
    op.add_column("sanctions", sa.Column("gap_ms", sa.BigInteger))
    op.drop_index("ix_sanctions_standing", "sanctions")
    columns = ["kind", "entity", "target", "scope"]
    op.create_index(
        "ix_sanctions_standing", "sanctions", columns, unique=True, sqlite_where=STANDING, postgresql_where=STANDING
    )
    ends = sa.text("lifted_by IS NULL AND until_ms IS NOT NULL")
    op.create_index("ix_sanctions_until_ms", "sanctions", ["until_ms"], sqlite_where=ends, postgresql_where=ends)
    op.create_table(
        "mutes",
        sa.Column("room", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("sanction", NUMBER, sa.ForeignKey("sanctions.id", name="fk_mutes_sanction"), nullable=False),
        sa.PrimaryKeyConstraint("room", "user", name="pk_mutes"),
    )
    op.create_index("ix_mutes_user", "mutes", ["user"])
    op.create_table(
        "sweeps",
        sa.Column("cause", NUMBER, sa.ForeignKey("ledger.id", name="fk_sweeps_cause"), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("since_ms", sa.BigInteger),
        sa.Column("most", sa.Integer),
        sa.Column("done_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("cause", name="pk_sweeps"),
    )
    waiting = sa.text("done_ms IS NULL")
    op.create_index("ix_sweeps_waiting", "sweeps", ["cause"], sqlite_where=waiting, postgresql_where=waiting)
