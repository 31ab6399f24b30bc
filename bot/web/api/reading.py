"""Reading a request: its parameters and headers, its body, what its path names; in this order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.domain import documents
from bot.domain.text import one_line
from bot.errors import Invalid, Unprocessable
from bot.ports import Json
from bot.web.api.route import Route, plain
from bot.web.body import check_headers, read_body

MAX_BODY = 1024 * 1024
MAX_TOLD = 20
"""Problems named in one answer."""

Model = TypeVar("Model", bound=BaseModel)


async def read(route: Route, request: web.Request) -> dict[str, Any]:
    """The arguments of the route's function, those alone that were sent: for the others it has a default.

    Raises:
        TooLarge, UnsupportedMediaType: see `bot.web.body`.
        Invalid: see `_parameters` and `_object`.
        Unprocessable: see `check`.
        NotFound: see `bot.web.api.places`.
    """
    arguments = _parameters(route, request)
    if route.body:
        check_headers(request, MAX_BODY)
        arguments["body"] = check(plain(route.body), _object(await read_body(request, MAX_BODY)))
    for argument, place in route.places.items():
        arguments[argument] = place.read(request.match_info, route.method == "PUT")
    return arguments


def _parameters(route: Route, request: web.Request) -> dict[str, Any]:
    """
    Raises:
        Invalid: one can't be read, stands there twice, or is not known here (a misspelt one would be without effect).
    """
    query, arguments = request.query, {}
    for name in query:
        if name not in route.query:
            raise Invalid(
                f"There is no query parameter {name[:60]!r} here.",
                next_step=f"Known: {', '.join(sorted(route.query))}." if route.query else "This address takes none.",
            )
        if len(query.getall(name)) > 1:
            raise Invalid(f"The parameter {name} stands there more than once.", next_step="Send it once.")
    for name, header in route.sent.items():
        if (lines := request.headers.getall(header.name, None)) is not None:
            arguments[name] = header.form.read(", ".join(lines), f"The header {header.name}")
    for name, text in query.items():
        arguments[name] = route.query[name].form.read(text, f"The parameter {name}")
    return arguments


def _object(body: bytes) -> Json:
    """One JSON object, by the letter of RFC 8259: no NaN, no member twice, UTF-8.

    Raises:
        Invalid: it is something else.
    """
    try:
        return documents.read_object(body)
    except documents.NotAnObject as error:
        raise Invalid(f"The body {error}.", next_step="Send one JSON object in UTF-8.") from None


def check(model: type[Model], data: Mapping[str, Any]) -> Model:
    """The model of this object.

    Raises:
        Unprocessable: names every problem (the first 20).
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_explain(item) for item in error.errors(include_url=False, include_input=False)]
        more = [f"And {len(problems) - MAX_TOLD} more."] if len(problems) > MAX_TOLD else []
        raise Unprocessable(" ".join(problems[:MAX_TOLD] + more)) from None


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "string_unicode": "must be text in Unicode, without lone surrogates",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must not have control characters",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "too_long": "must have at most {max_length} members",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}


def _explain(error: Mapping[str, Any]) -> str:
    place = [shown(str(part)) for part in error["loc"]]
    subject = f"The name {place[-2]} in {place[-3]}" if place[-1:] == ["[key]"] else ".".join(place)
    words = _WORDS.get(error["type"])
    return f"{subject} {words.format(**error.get('ctx', {})) if words else error['msg']}."


def shown(text: str) -> str:
    """What a caller wrote, short and on one line."""
    return one_line(text, 60) or "''"
