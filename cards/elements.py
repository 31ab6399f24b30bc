"""The pieces of an Adaptive Card: `adaptivecards` 0.4.1, made strict, with the actions and inputs it lacks.

The library swallows misspelt properties and knows version 1.2 without actions and inputs. An element here is complete
when it is built: an unknown property, or one of the wrong type, raises TypeError, and nothing can be added later.
Properties have the library's names; what they mean: https://adaptivecards.io/explorer/.
"""

from __future__ import annotations

from typing import Any, ClassVar

from adaptivecards import adaptivecard, containers, elements
from adaptivecards.baseobject import BareObject, Element, PropertyType

Json = dict[str, Any]


class Strict(BareObject):
    """An element that refuses what it doesn't know.

    A list holds elements; they are plain JSON from the moment they are placed in their parent.
    """

    element_type: ClassVar[str]
    known: ClassVar[dict[str, tuple[str, Any]]]

    def __init_subclass__(cls) -> None:
        cls.known = {
            name: (declared.key_name or name, declared.type)
            for base in reversed(cls.__mro__)
            for name, declared in vars(base).items()
            if isinstance(declared, PropertyType)
        }

    def __init__(self, **properties: Any) -> None:
        data: Json = {"type": self.element_type}
        known = self.known
        for name, value in properties.items():
            if name not in known:
                raise TypeError(f"{self.element_type} has no property {name!r}; it has: {', '.join(sorted(known))}.")
            key, expected = known[name]
            if not isinstance(value, expected):
                raise TypeError(f"{self.element_type}.{name} must be of type {expected}, not {value!r}.")
            data[key] = [child._data for child in value] if expected is list else value
        self.__dict__["_data"] = data

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError(f"{self.element_type}.{name} can't be set: an element is complete when it is built.")


class AdaptiveCard(Strict, adaptivecard.AdaptiveCard):
    element_type = "AdaptiveCard"
    version = PropertyType(type=str)


class Container(Strict, containers.Container):
    pass


class ColumnSet(Strict, containers.ColumnSet):
    select_action = PropertyType(type=dict, key_name="selectAction")


class Column(Strict, containers.Column):
    width = PropertyType(type=(str, int))


class RichTextBlock(Strict, elements.RichTextBlock):
    pass


class TextRun(Strict, elements.TextRun):
    pass


class OpenUrl(Strict):
    """A button that opens an address."""

    element_type = "Action.OpenUrl"
    title = PropertyType(type=str)
    url = PropertyType(type=str)


class Submit(Strict):
    """A button that sends `data` as a message: all that clients before 1.4 have."""

    element_type = "Action.Submit"
    title = PropertyType(type=str)
    data = PropertyType(type=dict)
    style = PropertyType(type=str)
    associated_inputs = PropertyType(type=str, key_name="associatedInputs")


class Execute(Strict):
    """A button that sends `verb` and `data` as an `adaptiveCard/action` invoke; a client that can't does `fallback`.

    What was entered on the card comes with `data`, unless `associated_inputs` is `none`.
    """

    element_type = "Action.Execute"
    title = PropertyType(type=str)
    verb = PropertyType(type=str)
    data = PropertyType(type=dict)
    style = PropertyType(type=str)
    associated_inputs = PropertyType(type=str, key_name="associatedInputs")
    fallback = PropertyType(type=dict)


class Input(Strict, Element):
    """What is entered comes back under `id`, as text."""

    element_type = "Input"
    label = PropertyType(type=str)
    value = PropertyType(type=str)


class TextInput(Input):
    """A line, or several. `max_length`: how many characters the client lets people enter."""

    element_type = "Input.Text"
    is_multiline = PropertyType(type=bool, key_name="isMultiline")
    max_length = PropertyType(type=int, key_name="maxLength")


class Toggle(Input):
    """`true` or `false`. Clients obey Markdown in its `title`."""

    element_type = "Input.Toggle"
    title = PropertyType(type=str)
    wrap = PropertyType(type=bool)


class ChoiceSet(Input):
    """One of several. `style`: `compact` is a list that opens."""

    element_type = "Input.ChoiceSet"
    choices = PropertyType(type=list)
    style = PropertyType(type=str)


class Choice(Strict):
    """One of them: what is read, and what comes back."""

    element_type = "Input.Choice"
    title = PropertyType(type=str)
    value = PropertyType(type=str)
