"""What circles need: confirmations, people on their way from one to another, and splitting one that has grown too large."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BIG = sa.BigInteger()


def upgrade() -> None:
    """Make the tables `confirmations`, `moves`, `splits`, `split_answers` and `crowded`."""
    op.create_table(
        "confirmations",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("command", TEXT, nullable=False),
        sa.Column("args", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("made_ms", BIG, nullable=False),
        sa.Column("settled_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmations")),
        sa.UniqueConstraint("event", name=op.f("uq_confirmations_event")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "moves",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=True),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("cause", NUMBER, nullable=False),
        sa.Column("made_ms", BIG, nullable=False),
        sa.Column("ended_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(["cause"], ["ledger.id"], name=op.f("fk_moves_cause")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moves")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_moves_open", "moves", ["user", "target"], unique=True,
        sqlite_where=sa.text("ended_ms IS NULL"), postgresql_where=sa.text("ended_ms IS NULL"),
    )  # fmt: skip
    op.create_table(
        "splits",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("cause", NUMBER, nullable=False),
        sa.Column("made_ms", BIG, nullable=False),
        sa.Column("asked_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(["cause"], ["ledger.id"], name=op.f("fk_splits_cause")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_splits")),
        sa.UniqueConstraint("target", name=op.f("uq_splits_target")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "split_answers",
        sa.Column("split", NUMBER, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("answer", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["split"], ["splits.id"], name=op.f("fk_split_answers_split")),
        sa.PrimaryKeyConstraint("split", "user", name=op.f("pk_split_answers")),
    )
    op.create_table(
        "crowded",
        sa.Column("room", TEXT, nullable=False),
        sa.Column("told_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("room", name=op.f("pk_crowded")),
    )
