"""One demo and one Playground for all tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.client.stage import Stage, open_stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The bot is in no chat yet. Whatever the tests do: it never fails, and never refuses what the client sends."""
    async with open_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage
        assert not [said.chat for said in stage.client.said if "Something went wrong" in said.words]
        assert not [one for one in stage.delivered if one.status >= 400]
