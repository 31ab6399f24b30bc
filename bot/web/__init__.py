"""The only room with `aiohttp.web` routes."""
