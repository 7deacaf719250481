"""How often somebody's digests came until they left the chats for them: who comes back is told how to have them again."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column to the table `people`."""
    with op.batch_alter_table("people") as table:
        table.add_column(Column("digest_rests", TEXT))
