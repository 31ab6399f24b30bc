"""What an operation is: one value from which come its route, the reading of its requests and its description."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from bot.domain.people import Actor
from bot.features.following import Follower, Following
from bot.ports import Json, Render, Store

PREFIX = "/api/v1"

Method = Literal["GET", "PUT", "POST", "DELETE"]


class Parameter(Protocol):
    """A query parameter or a header (`bot.web.api.parameters`)."""

    @property
    def name(self) -> str: ...
    @property
    def where(self) -> Literal["query", "header"]: ...
    @property
    def description(self) -> str: ...
    @property
    def schema(self) -> Json: ...

    def read(self, text: str | None) -> Any:
        """The value of what was sent, or of nothing.

        Raises:
            Invalid: it can't be read; names the parameter.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A JSON object that an operation takes.

    Attributes:
        schema: the name of its schema in the description.
        model: checks it.
    """

    schema: str
    example: Json
    model: type[BaseModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A success, as the description tells it. `headers`: name -> what it says."""

    status: int
    description: str
    schema: str | None = None
    example: Json | str | None = None
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who makes a request.

    Attributes:
        actor: the administrator whose Entra token it bears; None for the record system, which shows API_TOKEN.
    """

    actor: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, read as its operation declares.

    Attributes:
        path: the path's parameters, percent-decoded and otherwise as they came.
        values: query parameters and headers by name, those that are absent too.
        body: the body's model; None where the operation takes none.
        demo: what is for trying out is allowed: webhooks on this machine.
    """

    caller: Caller
    store: Store
    following: Following
    render: Render
    method: Method
    path: Mapping[str, str]
    values: Mapping[str, Any]
    body: Any = None
    demo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a handler answers; `body` None is an empty one."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What a handler answers that goes on: events as they happen.

    Attributes:
        name: the `id` of a place, as readers see it.
    """

    follower: Follower
    name: Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one path.

    Attributes:
        path: below the prefix, parameters in braces.
        name: the `operationId`.
        errors: the statuses of its refusals, besides those that every operation has.
        public: needs no token.
        admins: an administrator's Entra token may use it too.
    """

    method: Method
    path: str
    name: str
    tag: str
    summary: str
    handler: Callable[[Call], Awaitable[Reply | Stream]]
    results: tuple[Result, ...]
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    errors: tuple[int, ...] = ()
    public: bool = False
    admins: bool = False

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status it may answer with."""
        common = (400, 503) if self.public else (400, 401, 403, 503)
        reading = (413, 415, 422) if self.body else ()
        return tuple(sorted({*(result.status for result in self.results), *self.errors, *common, *reading}))
