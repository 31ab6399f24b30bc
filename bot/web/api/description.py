"""The OpenAPI 3.1 description, made from the routes themselves."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from bot.identity.user_tokens import ADMIN_ROLE, SCOPE
from bot.ports import Json
from bot.web.api import settings_schemas
from bot.web.api.route import PREFIX, SYSTEM, CallerKind, Header, Named, Query, Route, Stream, marked, plain
from bot.web.api.shapes import TEXT, ref

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
_SECURITY: dict[CallerKind, Json] = {
    CallerKind.SYSTEM: {
        "type": "http",
        "scheme": "bearer",
        "description": "The server's API_TOKEN: the record system's.",
    },
    CallerKind.ADMIN: {
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
_BY_HAND: Json = {
    "Problem": {
        "description": "RFC 9457.",
        "type": "object",
        "properties": {
            "type": {
                "type": "string",
                "description": "A stable name for programs: `urn:connect-chats:problem:not-found`.",
            },
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What happened, why, and what to do next."},
            "instance": {"type": "string", "description": "The request, as the log knows it."},
        },
        "required": ["type", "title", "status", "detail", "instance"],
    },
    "Description": {"type": "object", "required": ["openapi", "info", "paths"]},
    "EventStream": {
        "type": "string",
        "description": "Server-sent events: `id` is the place to come back to, `data` an Event as JSON on one line.",
    },
    **settings_schemas.SCHEMAS,
}


class _Schemas(GenerateJsonSchema):
    """What pydantic makes of bodies and answers; an answer has all of its members and no others."""

    def typed_dict_schema(self, schema: Any) -> Json:
        return {**super().typed_dict_schema(schema), "additionalProperties": False}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@cache
def describe(routes: tuple[Route, ...]) -> Json:
    """The document. It is the same for everybody and holds nothing of the tenant's. Making it takes a while."""
    models = {model for route in routes for model in (route.body, route.model) if model and not marked(model, Named)}
    refs, made = TypeAdapter.json_schemas(
        [(model, "validation", TypeAdapter(model)) for model in sorted(models, key=str)],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    schemas = {**_BY_HAND, **made["$defs"]}
    media = {model: {"schema": place, "example": _example(place, schemas)} for (model, _), place in refs.items()}
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, media)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Connect Chats",
            "version": _version(),
            "description": _INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": PREFIX}],
        "security": _security(SYSTEM),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {kind.value: scheme for kind, scheme in _SECURITY.items()},
        },
    }


def _version() -> str:
    try:
        return version("connect-chats")
    except PackageNotFoundError:  # run from its folder, it is not installed
        return "0"


def _security(callers: tuple[CallerKind, ...]) -> list[Json]:
    return [{kind.value: []} for kind in callers]


def _operation(route: Route, media: dict[Any, Json]) -> Json:
    described: Json = {"operationId": route.name, "tags": [route.tag], "summary": route.summary}
    if route.description:
        described["description"] = route.description
    if route.callers != SYSTEM:
        described["security"] = _security(route.callers)
    if parameters := _parameters(route):
        described["parameters"] = parameters
    if route.body:
        described["requestBody"] = {"required": True, "content": {"application/json": _media(route.body, media)}}
    described["responses"] = {
        str(status): _success(route, status, media) if status in route.answers else _error(status)
        for status in route.statuses
    }
    return described


def _parameters(route: Route) -> list[Json]:
    parts = {name: part for place in route.places.values() for name, part in place.parts.items()}
    named = re.findall(r"\{(\w+)\}", route.path)
    return [
        *({"name": name, "in": "path", "required": True, **parts[name]} for name in named),
        *(_parameter(mark.name, "header", mark, None) for mark in route.sent.values()),
        *(_parameter(name, "query", mark, route.default(name)) for name, mark in route.query.items()),
    ]


def _parameter(name: str, where: str, mark: Query | Header, default: Any) -> Json:
    schema = mark.form.schema if default is None else {**mark.form.schema, "default": default}
    return {"name": name, "in": where, "description": mark.description, "schema": schema}


def _success(route: Route, status: int, media: dict[Any, Json]) -> Json:
    described: Json = {"description": route.answers[status]}
    if route.model and status in (200, 201):
        kind = "text/event-stream" if plain(route.model) is Stream else "application/json"
        described["content"] = {kind: _media(route.model, media)}
    headers = {name: text for name, text in route.headers.items() if name != "Location" or status == 201}
    if headers:
        described["headers"] = {
            name: {"description": text, "schema": {"type": "string"}, "required": True}
            for name, text in headers.items()
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


def _media(model: Any, media: dict[Any, Json]) -> Json:
    """A body or an answer: its schema, and an example of it."""
    named = marked(model, Named)
    if named is None:
        return media[model]
    return {"schema": ref(named.name)} | ({} if named.example is None else {"example": named.example})


def _example(schema: Json, schemas: Json) -> Any:
    """An example of a schema: its own, or one made of its members'. Where there is none, None."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], schemas)
    if schema["type"] == "array":
        return [_example(schema["items"], schemas)]
    if schema["type"] != "object":
        return None
    members = {name: _example(member, schemas) for name, member in schema.get("properties", {}).items()}
    return {name: value for name, value in members.items() if value is not None or name in schema.get("required", ())}
