"""The OpenAPI 3.1 description, made from the operations themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from bot.identity.user_tokens import ADMIN_ROLE, SCOPE
from bot.ports import Json
from bot.web.api.bodies import LINE_PATTERN, MAX_CHAT
from bot.web.api.operation import PREFIX, Operation, Result
from bot.web.api.schemas import all_schemas
from bot.web.api.shapes import ID, TYPE_NAME, WEBHOOK_ID, ref

_PATH_PARAMETERS: dict[str, Json] = {
    "type": {"schema": TYPE_NAME, "description": "The name of a record type.", "example": "account"},
    "id": {
        "schema": ID,
        "description": "The record's id. A GUID may come in either case and in braces; it is kept in lower case.",
        "example": "A-1001",
    },
    "app": {"schema": ID, "description": "The app's id.", "example": "sales-hub"},
    "chat": {
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_CHAT, "pattern": LINE_PATTERN},
        "description": "The chat's id, percent-encoded. A channel's `;messageid=` is cut off.",
        "example": "19:5f0c@thread.v2",
    },
    "webhook": {"schema": WEBHOOK_ID, "description": "The webhook's id.", "example": "01KAXV7Q5J6Z8M3T9R2W4Y1N0B"},
}

_ERRORS = {
    400: "The request can't be understood: a parameter, a header, or the body is no JSON object.",
    401: "There is no token, or not the right one.",
    403: "The token is a person's who may not do this: no administrator, or this is for the record system alone.",
    404: "There is no such thing.",
    409: "The state of things does not permit it now.",
    412: "It is not, or no longer, as `If-Match` or `If-None-Match` asks for. Nothing was changed.",
    413: "The body is over 1 MiB.",
    415: "The body is not sent as application/json.",
    422: "A member of the body, or a name in the address, breaks a rule; `detail` names every problem.",
    503: "Not now: the same request may succeed later.",
}
_ERROR_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds.", "required": True}},
}
_SECURITY: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The server's API_TOKEN: the record system's."},
    "administrator": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": f"A v2.0 access token of Microsoft Entra ID for this app's scope `{SCOPE}`, of a person who has "
        f"the app role `{ADMIN_ROLE}` or is on the list of administrators.",
    },
}
_INTRODUCTION = """What a system of records uses: it says what records there are and who may see them, and hears what
happens in their chats.

Errors are problem documents (RFC 9457). Unknown members and unknown query parameters are refused, so that a misspelt
one can't be without effect. Bodies are at most 1 MiB."""


def describe(operations: Iterable[Operation]) -> Json:
    """The document. It is the same for everybody and holds nothing of the tenant's."""
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Connect Chats",
            "version": _version(),
            "description": _INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": PREFIX}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": all_schemas(),
            "securitySchemes": _SECURITY,
        },
    }


def _version() -> str:
    try:
        return version("connect-chats")
    except PackageNotFoundError:  # run from its folder, it is not installed
        return "0"


def _operation(operation: Operation) -> Json:
    described: Json = {"operationId": operation.name, "tags": [operation.tag], "summary": operation.summary}
    if operation.description:
        described["description"] = operation.description
    if operation.public:
        described["security"] = []
    if operation.admins:
        described["security"] = [{name: []} for name in _SECURITY]
    parameters = [
        {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]}
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]
    parameters += [
        {"name": item.name, "in": item.where, "description": item.description, "schema": item.schema}
        for item in operation.parameters
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        media = {"schema": ref(operation.body.schema), "example": operation.body.example}
        described["requestBody"] = {"required": True, "content": {"application/json": media}}
    results = {item.status: _result(item) for item in operation.results}
    described["responses"] = {str(status): results.get(status) or _error(status) for status in operation.statuses}
    return described


def _result(result: Result) -> Json:
    described: Json = {"description": result.description}
    if result.schema:
        media: Json = {"schema": ref(result.schema)}
        if result.example is not None:
            media["example"] = result.example
        described["content"] = {result.media: media}
    if result.headers:
        described["headers"] = {
            name: {"description": text, "schema": {"type": "string"}, "required": True}
            for name, text in result.headers.items()
        }
    return described


def _error(status: int) -> Json:
    described: Json = {
        "description": _ERRORS[status],
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }
    if status in _ERROR_HEADERS:
        described["headers"] = _ERROR_HEADERS[status]
    return described
