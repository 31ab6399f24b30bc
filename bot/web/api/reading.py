"""Reading a request's body: JSON by the letter, and its model, with every problem named at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.domain import documents
from bot.domain.text import one_line
from bot.errors import Invalid, Unprocessable
from bot.ports import Json
from bot.web.api.operation import Body
from bot.web.body import check_headers, read_body

MAX_BODY = 1024 * 1024
MAX_TOLD = 20
"""Problems named in one answer."""

Model = TypeVar("Model", bound=BaseModel)


async def read_object(request: web.Request, body: Body) -> Any:
    """The body's model.

    Raises:
        TooLarge, UnsupportedMediaType: see `bot.web.body`.
        Invalid: it is not one JSON object.
        Unprocessable: a member is missing, unknown, of another type, or breaks a rule; names all of them.
    """
    check_headers(request, MAX_BODY)
    return check(body.model, parse_object(await read_body(request, MAX_BODY)))


def parse_object(body: bytes) -> Json:
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
