"""What a route is: a typed function.

Its signature says what it takes and answers, its docstring what it does. The reading of requests (`reading`), who may
call (`guard`) and the description (`description`) follow from that.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import Enum
from functools import cached_property
from types import ModuleType
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

from bot.domain.people import Actor
from bot.features.following import Follower, Following
from bot.ports import Json, Render, Store
from bot.web.api.parameters import Form

PREFIX = "/api/v1"

Method = Literal["GET", "PUT", "POST", "DELETE"]
Answer = TypeVar("Answer")
Mark = TypeVar("Mark", "Query", "Header", "Path", "Named")


class CallerKind(Enum):
    """A kind of caller, by the name of its security scheme in the description."""

    SYSTEM = "bearer"
    ADMIN = "administrator"


EVERYBODY: tuple[CallerKind, ...] = ()
SYSTEM = (CallerKind.SYSTEM,)
ADMINS = (CallerKind.SYSTEM, CallerKind.ADMIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who makes a request.

    Attributes:
        actor: the administrator whose Entra token it bears; None for the record system, which shows API_TOKEN.
    """

    actor: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What every route gets, whatever it takes. `demo`: webhooks on this machine are allowed."""

    caller: Caller
    store: Store
    following: Following
    render: Render
    demo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[Answer]):
    """An answer whose status or headers depend on what was done; `body` None is an empty one."""

    body: Answer | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer that goes on: events as they happen. `name`: the `id` of a place, as readers see it."""

    follower: Follower
    name: Callable[[int], str]


# Marks of arguments and answers, inside `Annotated` -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter, called as the argument is."""

    description: str
    form: Form


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    description: str
    form: Form


@dataclass(frozen=True, slots=True)
class Path:
    """What parameters of the path name.

    Attributes:
        parts: what the description says of each, by name.
        read: what they name, from their text; `creates`: it need not exist yet. Raises NotFound or Unprocessable.
    """

    parts: Mapping[str, Json]
    read: Callable[[Mapping[str, str], bool], Any]


@dataclass(frozen=True, slots=True)
class Named:
    """The schema of a body or an answer stands in the description under this name already."""

    name: str
    example: Any = field(default=None, hash=False)


# Routes --------------------------------------------------------------------------------------------------------------


async def _nothing(*_: Any) -> None:
    """The function of a route that has not got its own yet."""


@dataclass(frozen=True, eq=False)
class Route:
    """One method at one path: the decorator of the function that answers there.

    The function's first argument is the `call`, `body` the body; each other one has a mark that says where it is read
    from, and a default unless that is the path.

    Attributes:
        path: below the prefix, parameters in braces.
        answers: what is said of each status of a success; where the function returns no Reply, it is the first.
        callers: who may call, all that may.
        headers: of every success, `Location` of a 201 alone: name -> what it says.
        errors: the statuses of its refusals that don't follow from the rest.
        more: what its description says after the docstring.
    """

    method: Method
    path: str
    answers: Mapping[int, str]
    _: KW_ONLY
    tag: str
    callers: tuple[CallerKind, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    more: str = ""
    function: Callable[..., Awaitable[Any]] = _nothing

    def __call__(self, function: Callable[..., Awaitable[Any]]) -> Route:
        return replace(self, function=function)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.function, include_extras=True)

    def _marked(self, kind: type[Mark]) -> dict[str, Mark]:
        """The arguments with such a mark."""
        return {name: mark for name, hint in self._hints.items() if (mark := marked(hint, kind)) and name != "return"}

    @cached_property
    def query(self) -> Mapping[str, Query]:
        return self._marked(Query)

    @cached_property
    def sent(self) -> Mapping[str, Header]:
        return self._marked(Header)

    @cached_property
    def places(self) -> Mapping[str, Path]:
        return self._marked(Path)

    @cached_property
    def body(self) -> Any:
        """The model of what it takes; None where that is nothing."""
        return self._hints.get("body")

    @cached_property
    def model(self) -> Any:
        """Of what it answers; None where that is empty."""
        answer = self._hints["return"]
        model = get_args(answer)[0] if get_origin(answer) is Reply else answer
        return None if model is type(None) else model

    @property
    def name(self) -> str:
        """The `operationId`."""
        first, *others = self.function.__name__.split("_")
        return first + "".join(word.capitalize() for word in others)

    @property
    def summary(self) -> str:
        return (self.function.__doc__ or "").partition("\n")[0].removesuffix(".")

    @property
    def description(self) -> str:
        _, _, text = (self.function.__doc__ or "").partition("\n")
        return " ".join([*text.split(), *self.more.split()])

    def default(self, argument: str) -> Any:
        """What a query parameter is when it is not sent."""
        return inspect.signature(self.function).parameters[argument].default

    @property
    def statuses(self) -> list[int]:
        """Every status it may answer with."""
        common = (400, 401, 403, 503) if self.callers else (400, 503)
        reading = (413, 415, 422) if self.body else ()
        absent = (404,) if self.places and self.method != "PUT" else ()
        stale = (412,) if any(header.name == "If-Match" for header in self.sent.values()) else ()
        return sorted({*self.answers, *self.errors, *common, *reading, *absent, *stale})


def marked(hint: Any, kind: type[Mark]) -> Mark | None:
    """The mark of this kind that a type bears."""
    return next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, kind)), None)


def plain(model: Any) -> Any:
    """A type without its marks."""
    return get_args(model)[0] if get_origin(model) is Annotated else model


def routes_of(*modules: ModuleType) -> tuple[Route, ...]:
    """The routes in these modules, in their order."""
    return tuple(item for module in modules for item in vars(module).values() if isinstance(item, Route))
