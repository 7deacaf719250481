"""Policy lists: whose are watched, their rules, which ban follows from which rule, and what of ours is published."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0024"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
STANDING = sa.text("lifted_by IS NULL AND kind NOT IN ('note', 'warn')")


def upgrade() -> None:
    """Let a sanction say which rule asks for it, and make the tables `policy_lists`, `policy_rules` and `published`."""
    op.add_column("sanctions", sa.Column("rule", NUMBER, nullable=False, server_default="0"))
    op.drop_index("ix_sanctions_standing", "sanctions")
    columns = ["kind", "entity", "target", "scope", "rule"]
    op.create_index(
        "ix_sanctions_standing", "sanctions", columns, unique=True, sqlite_where=STANDING, postgresql_where=STANDING
    )
    op.create_table(
        "policy_lists",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("via", TEXT, nullable=False, server_default=""),
        sa.Column("room", TEXT),
        sa.Column("stance", TEXT, nullable=False, server_default=""),
        sa.Column("publishes", TEXT, nullable=False, server_default=""),
        sa.Column("trouble", TEXT, nullable=False, server_default=""),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_ms", sa.BigInteger),
        sa.Column("read_ms", sa.BigInteger),
        sa.Column("unusable", sa.Integer, nullable=False, server_default="0"),
        sa.Column("hit_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("hit", sa.Integer, nullable=False, server_default="0"),
        sa.Column("cause", NUMBER, sa.ForeignKey("ledger.id", name="fk_policy_lists_cause"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_lists"),
        sa.UniqueConstraint("address", name="uq_policy_lists_address"),
        sa.UniqueConstraint("room", name="uq_policy_lists_room"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "policy_rules",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("list", NUMBER, sa.ForeignKey("policy_lists.id", name="fk_policy_rules_list"), nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("state_key", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("entity", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("hash", TEXT),
        sa.Column("takedown", sa.Boolean, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("held", NUMBER),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_rules"),
        sqlite_autoincrement=True,
    )
    live = sa.text("state <> 'gone'")
    columns = ["list", "type", "state_key"]
    op.create_index(
        "uq_policy_rules_live", "policy_rules", columns, unique=True, sqlite_where=live, postgresql_where=live
    )
    for name in ("seq", "event", "held", "target", "hash"):
        op.create_index(f"ix_policy_rules_{name}", "policy_rules", [name])
    op.create_index("ix_policy_rules_list", "policy_rules", ["list", "state"])
    op.create_table(
        "published",
        sa.Column("sanction", NUMBER, sa.ForeignKey("sanctions.id", name="fk_published_sanction"), nullable=False),
        sa.Column("list", NUMBER, sa.ForeignKey("policy_lists.id", name="fk_published_list"), nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("state_key", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("sanction", "list", name="pk_published"),
    )
