"""What is due is looked for by its kind: whoever looks every few seconds must not pass over everything of that kind that is for later."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the index of `due`."""
    op.drop_index("ix_due_next_ms", "due")
    op.create_index("ix_due_kind_next_ms", "due", ["kind", "next_ms"], unique=False)
