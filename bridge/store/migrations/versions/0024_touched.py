"""How much somebody wants in a digest, and whether they are told at once who calls on them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let `people` know it."""
    op.add_column("people", sa.Column("digest_most", sa.Integer(), nullable=True))
    op.add_column("people", sa.Column("notify", sa.Boolean(), nullable=True))
