"""Since when and until when followed rules shut servers out, and whom a sanction of many does not mean."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0038"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table `shut_out`, and the column `spared` of sanctions."""
    op.create_table(
        "shut_out",
        sa.Column("server", TEXT, nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("server", "from_ms", name=op.f("pk_shut_out")),
    )
    op.create_index("ix_shut_out_to_ms", "shut_out", ["to_ms"])
    op.add_column("sanctions", sa.Column("spared", TEXT, nullable=False, server_default=""))
