"""What sharing needs: the line at the end of a thread, the tags of every text of a message, and turns among circles that share at the same time."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables `summaries`, `versions` and `offers`, and let lanes of the outbox take turns."""
    op.create_table(
        "summaries",
        sa.Column("root", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("said", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("event", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("root", "room", name=op.f("pk_summaries")),
    )
    op.create_table(
        "versions",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("redacted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_versions")),
    )
    op.create_index("ix_versions_target", "versions", ["target"], unique=False)
    op.create_table(
        "offers",
        sa.Column("reply", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("root", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("asked_by", TEXT, nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("reply", "room", name=op.f("pk_offers")),
    )
    op.create_index("ix_offers_root", "offers", ["root"], unique=False)
    op.add_column("outbox", sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(sa.text("UPDATE outbox SET turn = id"))
    op.drop_index("ix_outbox_due", "outbox")
    op.create_index(
        "ix_outbox_due", "outbox", ["priority", "turn", "id"], unique=False,
        sqlite_where=sa.text("state = 'due'"), postgresql_where=sa.text("state = 'due'"),
    )  # fmt: skip
