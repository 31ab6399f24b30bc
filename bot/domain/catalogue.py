"""The settings in force, as one immutable value: apps, record types and admins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bot.domain.links import Link, LinkIndex, canonical_id, compile_key, compile_pattern
from bot.domain.records import RecordId
from bot.domain.settings import App, RecordType


class Catalogue:
    """What the admins chose, at one version of the settings.

    Attributes:
        version: counts up with every change of a setting.
        types, apps: by name and by id, in the order they were created.
        admins: Entra object id -> name, "" where it is not known.
    """

    def __init__(
        self,
        *,
        types: Iterable[RecordType] = (),
        apps: Iterable[App] = (),
        admins: Mapping[str, str] = MappingProxyType({}),
        version: int = 0,
    ) -> None:
        self.version = version
        self.types: Mapping[str, RecordType] = MappingProxyType({item.name: item for item in types})
        self.apps: Mapping[str, App] = MappingProxyType({item.id: item for item in apps})
        self.admins = MappingProxyType(dict(admins))
        self.links = LinkIndex(compile_pattern(item.name, text) for item in self.types.values() for text in item.links)
        self._keys = [compile_key(item.name, item.key) for item in self.types.values() if item.key]

    def reference(self, text: str) -> Link | None:
        """What a person typed: a link, `type/id`, or a key that a type's key pattern matches."""
        text = text.strip()
        if link := self.links.find(text):
            return link
        type_name, slash, rest = text.partition("/")
        if slash and type_name.lower() in self.types and (record_id := canonical_id(rest)):
            return Link(RecordId(type_name.lower(), record_id))
        for key in self._keys:
            if record := key.find(text):
                return Link(record)
        return None

    def open_url(self, record: RecordId) -> str | None:
        """Where **Open** leads: the type's first pattern and the id, never what was pasted."""
        record_type = self.types.get(record.type)
        if record_type is None or not record_type.links:
            return None
        return compile_pattern(record_type.name, record_type.links[0]).build(record.id)
