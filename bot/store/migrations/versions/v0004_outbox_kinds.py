"""Each row of the outbox says of what kind it is.

Only adds: what a program of version 0003 writes is a message, the only kind it knows. But it takes every row for one,
so other kinds may be written only when the last of its processes has ended. Frozen: later changes are later versions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("kind", sa.Text, nullable=False, server_default=sa.text("'message'")))
