"""The web application: middlewares and routes, put together from what it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram

from bot.web import about, health, messages
from bot.web.metrics import Metrics
from bot.web.problems import Handler, problems
from bot.web.server import SILENT


def build(
    *,
    receiver: messages.Receiver,
    ready: Callable[[], Awaitable[None]],
    metrics: Metrics,
    add_api: Callable[[web.Application], None],
) -> web.Application:
    """The application, without anything running behind it yet."""
    silent: set[object] = set()
    app = web.Application(middlewares=[_watch(metrics.registry, silent), problems], client_max_size=1024 * 1024)
    app[SILENT] = silent
    messages.add_routes(app, receiver)
    about.add_routes(app)
    health.add_routes(app, ready=ready, metrics=metrics)
    add_api(app)
    return app


def _watch(registry: CollectorRegistry, silent: set[object]):
    """Counts and times requests by route, never by address: ids stay out of the metrics.

    A stream is counted, not timed: it is not slow because somebody listens for long.
    """
    seconds = Histogram(
        "connect_chats_request_seconds",
        "Time to answer a request",
        ["route"],
        registry=registry,
        buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
    )
    answers = Counter("connect_chats_responses", "Answers by status", ["route", "status"], registry=registry)
    by_route: dict[str, tuple] = {}

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        silent.discard(request.protocol)
        started = perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        if route not in by_route:
            by_route[route] = (seconds.labels(route), {})
        timer, counters = by_route[route]
        if response.status not in counters:
            counters[response.status] = answers.labels(route, response.status)
        if isinstance(response, web.Response):
            timer.observe(perf_counter() - started)
        counters[response.status].inc()
        return response

    return watch
