"""`GET /`: what this server is, for whoever follows the app's links; all three of its manifest lead here.

The page is static and holds nothing of any tenant.
"""

from __future__ import annotations

from aiohttp import web

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Connect Chats</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 "Segoe UI", system-ui, sans-serif; }
  body { max-width: 40rem; margin: 3rem auto; padding: 0 1.25rem; }
  h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
  code { font-family: ui-monospace, monospace; background: color-mix(in srgb, currentColor 10%, transparent);
         padding: .1em .3em; border-radius: .25em; }
</style>
<h1>Connect Chats</h1>
<p>A Microsoft Teams app that ties chats to the records your organisation works on.</p>
<h2>Use it</h2>
<p>Paste a record's link into a chat to get its card. In a group chat, a channel or a meeting, send
<code>@Connect Chats connect</code> and the link; <code>@Connect Chats help</code> lists the rest.</p>
<h2 id="privacy">Privacy</h2>
<p>This server is run by your own organisation. It keeps the records its record system sends, which chats are connected
to them, who is in those chats, and the notes people add. It does not keep the messages of chats. How much of a record
is shown in a chat is decided by your administrators.</p>
<h2 id="terms">Terms of use</h2>
<p>Connect Chats is free software under the MIT license, without warranty.</p>
</html>
"""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def add_routes(app: web.Application) -> None:
    async def about(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html", headers=HEADERS)

    app.router.add_get("/", about)
