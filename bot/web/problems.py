"""One shape for every error: RFC 9457 `application/problem+json`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bot.errors import (
    Conflict,
    ConnectChatsError,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
)

log = structlog.get_logger(__name__)

REQUEST_ID = web.RequestKey("request_id", str)

_STATUSES: tuple[tuple[type[ConnectChatsError], int], ...] = (
    (Unprocessable, 422),
    (Invalid, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (PreconditionFailed, 412),
    (TooLarge, 413),
    (UnsupportedMediaType, 415),
    (Unavailable, 503),
)

_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Precondition failed",
    413: "Too large",
    415: "Not JSON",
    422: "Unprocessable",
    500: "Internal error",
    503: "Not available now",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status_of(error: ConnectChatsError) -> int:
    """The HTTP status of an error; 500 for one that should not have come this far."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def problem(status: int, code: str, detail: str, *, request_id: str) -> web.Response:
    """A problem document. `type` is a stable name for programs, `detail` is for the person who reads it."""
    body = {
        "type": f"urn:connect-chats:problem:{code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": f"urn:connect-chats:request:{request_id}",
    }
    headers = {"X-Request-Id": request_id}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = "5"
    return web.Response(
        status=status, body=json.dumps(body).encode(), content_type="application/problem+json", headers=headers
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives the request an id and turns whatever was raised into a problem; never a trace."""
    request_id = secrets.token_hex(8)
    request[REQUEST_ID] = request_id
    structlog.contextvars.bind_contextvars(request_id=request_id)  # every line that the request causes has it
    try:
        return await handler(request)
    except ConnectChatsError as error:
        status = status_of(error)
        log.info("refused", path=request.path, status=status, code=error.code, why=str(error))
        return problem(status, error.code, str(error), request_id=request_id)
    except web.HTTPMethodNotAllowed as error:
        response = problem(
            405, "method-not-allowed", f"Use {', '.join(sorted(error.allowed_methods))} here.", request_id=request_id
        )
        response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return response
    except web.HTTPRequestEntityTooLarge:
        return problem(413, "too-large", "The body is larger than this address takes.", request_id=request_id)
    except web.HTTPNotFound:
        return problem(404, "not-found", "There is nothing at this address.", request_id=request_id)
    except web.HTTPException as error:
        return problem(error.status, "http", error.reason, request_id=request_id)
    except Exception:
        log.exception("request failed", path=request.path, method=request.method)
        return problem(
            500, "internal", f"Something broke on our side. The log has it under {request_id}.", request_id=request_id
        )
