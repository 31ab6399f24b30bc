"""The floor of delivery: POST bodies that are ready, with aiohttp's client, and nothing else. No store, no signature.

python -m tests.bench.posting
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from aiohttp import ClientSession, TCPConnector, web

from tests.bench.floor import serve

LARGEST_ORDER = 2**26
HEADERS = {"Content-Type": "application/cloudevents+json"}
SESSION = web.AppKey("session", ClientSession)


def build() -> web.Application:
    async def post_all(request: web.Request) -> web.Response:
        """Takes `{urls, bodies, in_flight}`; answers when each address has taken each body."""
        order = await request.json()
        bodies = [body.encode() for body in order["bodies"]]
        async with asyncio.TaskGroup() as tasks:
            for url in order["urls"]:
                left = iter(bodies)
                for _ in range(order["in_flight"]):
                    tasks.create_task(_post(request.app[SESSION], url, left))
        return web.json_response({})

    app = web.Application(client_max_size=LARGEST_ORDER)
    app.router.add_post("/", post_all)
    app.cleanup_ctx.append(_session)
    return app


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with ClientSession(connector=TCPConnector(limit=0)) as session:
        app[SESSION] = session
        yield


async def _post(session: ClientSession, url: str, bodies: Iterator[bytes]) -> None:
    for body in bodies:
        async with session.post(url, data=body, headers=HEADERS) as response:
            response.raise_for_status()


if __name__ == "__main__":
    asyncio.run(serve(build()))
