"""The floor: the least a bot on aiohttp does for a pasted link. No rights, no settings, no checks but the token's.

python -m tests.bench.floor DATABASE PUBLIC_KEY APP_ID ISSUER
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from pathlib import Path

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.bench.answer import Answer


def build(database: str, key: bytes, app_id: str, issuer: str) -> web.Application:
    cursor = sqlite3.connect(database, isolation_level=None).cursor()
    public_key = load_pem_public_key(key)
    assert isinstance(public_key, RSAPublicKey)
    answer = Answer()

    async def receive(request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        jwt.decode(token, public_key, algorithms=["RS256"], audience=app_id, issuer=issuer)
        activity = json.loads(await request.read())
        record = activity["value"]["url"].rpartition("/")[2]
        title, fields = cursor.execute("SELECT title, fields FROM records WHERE id = ?", (record,)).fetchone()
        values = {"id": record, "title": title, **json.loads(fields)}
        return web.Response(body=answer.encode(values), content_type="application/json")

    app = web.Application()
    app.router.add_post("/api/messages", receive)
    return app


async def serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"ready on {runner.addresses[0][0]}:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    database, key_file, app_id, issuer = sys.argv[1:]
    asyncio.run(serve(build(database, Path(key_file).read_bytes(), app_id, issuer)))
