"""How people come in: codes, whose circle is whose, strangers at the door, and who is kept apart."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BIG = sa.BigInteger()


def upgrade() -> None:
    """Make the tables `codes`, `code_uses`, `belongs`, `strangers`, `tries` and `apart`."""
    op.create_table(
        "codes",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("salt", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("circle", TEXT, nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("until_ms", BIG, nullable=False),
        sa.Column("maker", TEXT, nullable=False),
        sa.Column("cause", NUMBER, nullable=False),
        sa.Column("revoked_ms", BIG, nullable=True),
        sa.Column("member_ms", BIG, nullable=True),
        sa.Column("member_until", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["cause"], ["ledger.id"], name=op.f("fk_codes_cause")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_codes")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "code_uses",
        sa.Column("code", NUMBER, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(["code"], ["codes.id"], name=op.f("fk_code_uses_code")),
        sa.PrimaryKeyConstraint("code", "user", name=op.f("pk_code_uses")),
    )
    op.create_table(
        "belongs",
        sa.Column("user", TEXT, nullable=False),
        sa.Column("circle", TEXT, nullable=False),
        sa.Column("since_ms", BIG, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("user", "circle", name=op.f("pk_belongs")),
    )
    op.create_index("ix_belongs_circle", "belongs", ["circle"], unique=False)
    op.create_table(
        "strangers",
        sa.Column("room", TEXT, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("from_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("room", name=op.f("pk_strangers")),
    )
    op.create_index("ix_strangers_user", "strangers", ["user"], unique=False)
    op.create_index("ix_strangers_from_ms", "strangers", ["from_ms"], unique=False)
    op.create_table(
        "tries",
        sa.Column("user", TEXT, nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("since_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_tries")),
    )
    op.create_table(
        "apart",
        sa.Column("one", TEXT, nullable=False),
        sa.Column("other", TEXT, nullable=False),
        sa.Column("cause", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["cause"], ["ledger.id"], name=op.f("fk_apart_cause")),
        sa.PrimaryKeyConstraint("one", "other", name=op.f("pk_apart")),
    )
