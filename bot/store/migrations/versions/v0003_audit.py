"""Who changed the settings, and whom the rules refused what; the names of administrators; who is a guest.

Only adds, so that a program of version 0002 serves on while this runs and after it. What such a program changes in the
settings is in force, but not in the history. Frozen: later changes are later versions.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _counted(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def upgrade() -> None:
    op.add_column("settings", sa.Column("admin_names", sa.Text, nullable=False, server_default=sa.text("'{}'")))
    op.create_table(
        "guests",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "person", name="pk_guests"),
    )
    op.create_index("ix_guests_tenant_seen_at", "guests", ["tenant", "seen_at"])
    of_rosters = sa.text(
        "INSERT INTO guests (tenant, person, seen_at) "
        "SELECT DISTINCT tenant, person, CAST(:now AS bigint) FROM members WHERE guest AND person IS NOT NULL"
    )
    op.execute(of_rosters.bindparams(now=time.time_ns() // 1000))
    op.create_table(
        "settings_changes",
        _counted("number"),
        _text("tenant"),
        sa.Column("at", sa.BigInteger, nullable=False),
        *map(_text, ("subject", "name", "via")),
        *(_text("by_id", null=True), _text("by_name", null=True), _text("before", null=True), _text("after")),
        sa.PrimaryKeyConstraint("number", name="pk_settings_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_settings_changes_tenant_number", "settings_changes", ["tenant", "number"])
    op.create_table(
        "refusals",
        _counted("number"),
        _text("tenant"),
        sa.Column("at", sa.BigInteger, nullable=False),
        *map(_text, ("action", "reason", "chat", "by_name")),
        *(_text(name, null=True) for name in ("by_id", "setting", "type", "id")),
        sa.PrimaryKeyConstraint("number", name="pk_refusals"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_refusals_tenant_number", "refusals", ["tenant", "number"])
    op.create_index("ix_refusals_tenant_at", "refusals", ["tenant", "at"])
