"""What request bodies are made of. `reading` reads them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from bot.domain.links import canonical_id
from bot.domain.people import Actor
from bot.web.api.shapes import ALEX, ID

MAX_NAME = 200
MAX_CHAT = 1024
ACTOR = "Who changed it, for the history; not with a person's token, which names them. Not part of the settings."

# No control characters: PostgreSQL can't keep NUL, and the others could make a value look like another. Longer texts
# may have tabs and several lines. Lone surrogates are no text to pydantic in the first place.
LINE_PATTERN = r"^[^\u0000-\u001f\u007f-\u009f]*$"
LINES_PATTERN = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"


def _id(text: str) -> str:
    if (found := canonical_id(text)) is None:
        raise PydanticCustomError("id", "must be letters, digits and . _ ~ - (128 at most), or a GUID")
    return found


Id = Annotated[str, AfterValidator(_id), WithJsonSchema(ID)]
PersonId = Annotated[str, AfterValidator(lambda text: _id(text).lower()), WithJsonSchema(ID)]


class Body(BaseModel):
    """A JSON object that a route takes: nothing but its members, and each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Person(Body):
    """A person, as the caller names them."""

    model_config = ConfigDict(json_schema_extra={"examples": [ALEX]})

    id: PersonId = Field(description="The Entra object id.")
    name: str = Field(default="", max_length=MAX_NAME, pattern=LINE_PATTERN, description="For display only.")

    @property
    def actor(self) -> Actor:
        return Actor(id=self.id, name=self.name)


def actor_of(person: Person | None) -> Actor | None:
    return person.actor if person else None
