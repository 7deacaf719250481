"""Behind which message an edit was heard of: whoever was away then is not shown its words."""

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0037"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column to the table `versions`."""
    with op.batch_alter_table("versions") as table:
        table.add_column(Column("since_seq", BigInteger))
