"""One demo and one Playground for all tests of a module, and one page of it for those that need one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.client.stage import Stage, open_stage
from tests.client.window import Window, open_window


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The bot is in no chat yet. Whatever the tests do: it never fails, and never refuses what the client sends."""
    async with open_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage
        assert not [said.chat for said in stage.client.said if "Something went wrong" in said.words]
        assert not [one for one in stage.delivered if one.status >= 400]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def window(stage: Stage) -> AsyncIterator[Window]:
    """The page with the group chat; the bot came to it when it was chosen."""
    async with AsyncExitStack() as stack:
        async with stage.opening(stage.client.personal):
            window = await stack.enter_async_context(open_window(stage.client.url))
        async with stage.opening(stage.client.group):
            await window.choose("Contoso renewal")
        yield window
