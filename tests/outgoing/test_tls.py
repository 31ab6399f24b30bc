"""What all outgoing connections share of TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from bot.config import load_settings
from bot.wiring import create_app
from tests.world import ROOT


async def test_the_authorities_to_trust_are_read_once_for_all_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the system's takes 45 ms and their memory."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/unused.db")
    monkeypatch.setenv("CONFIG", str(ROOT / "connect-chats.toml"))
    read: list[str | None] = []
    original = ssl.create_default_context

    def noted(*arguments: object, cafile: str | None = None) -> ssl.SSLContext:
        read.append(cafile)
        return original(*arguments, cafile=cafile)

    monkeypatch.setattr(ssl, "create_default_context", noted)
    app = await create_app(load_settings(demo=True, env_file=None))
    app.freeze()
    await app.startup()  # closing is what comes after it
    await app.cleanup()
    assert len(read) == 1
