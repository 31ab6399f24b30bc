"""Asks the systems of records what a person may do with their records, before a decision and outside a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import structlog

from bot.domain.grants import Grant, Grants
from bot.domain.links import TYPE_NAME_PATTERN, is_type_name
from bot.domain.people import Person
from bot.domain.records import Privilege, RecordId
from bot.errors import ConnectChatsError, SettingsInvalid
from bot.ports import Clock, RecordSource

log = structlog.get_logger(__name__)

DEADLINE = 2.0
"""Seconds: Teams waits five for a card."""
MAX_QUESTIONS = 64
"""A source is asked at most so many questions at the same time; others wait for their turn, within the deadline."""
MAX_ROUNDS = 3
"""A turn asks at most so often: again when it learns of more records, or when an answer grew too old to decide by."""


class RightsNeeded(Exception):
    """Other systems must first be asked about the rights to these records. Whoever raises it has written nothing."""

    def __init__(self, records: Sequence[RecordId]) -> None:
        super().__init__()
        self.records = records


class Rights:
    """Who knows the rights to which records.

    Attributes:
        sources: by record type; the store knows those of all other types.

    Raises:
        SettingsInvalid: a name that no record type can have, so that its source would never be asked.
    """

    def __init__(self, sources: Mapping[str, RecordSource], *, clock: Clock) -> None:
        if wrong := [name for name in sources if not is_type_name(name)]:
            raise SettingsInvalid([f"{name!r} is no name of a record type: {TYPE_NAME_PATTERN}." for name in wrong])
        self._clock = clock
        self.sources = MappingProxyType(dict(sources))
        self._places = {id(source): asyncio.Semaphore(MAX_QUESTIONS) for source in sources.values()}
        self._asking: set[asyncio.Task[Privilege | None]] = set()

    def now(self) -> int:
        """By the clock that dates the grants."""
        return self._clock()

    def of(self, person: Person) -> Grants:
        """The beginning of a turn: nobody was asked yet."""
        return Grants(person=person, sources=self.sources.keys())

    async def ask(self, grants: Grants, records: Iterable[RecordId]) -> Grants:
        """`grants` with what is said now of these records. All are asked for at the same time; it never raises."""
        asked = list(dict.fromkeys(records))
        last = grants.rounds >= MAX_ROUNDS
        at = self._clock()
        answers = [None] * len(asked) if last else await asyncio.gather(*(self._answer(it, grants) for it in asked))
        said = {
            record: Grant(record=record, person=grants.person.id or "", privilege=answer, at=at)
            for record, answer in zip(asked, answers, strict=True)
        }
        return replace(grants, said={**grants.said, **said}, rounds=grants.rounds + 1)

    async def _answer(self, record: RecordId, grants: Grants) -> Privilege | None:
        """What the source says, or None at the deadline; a source that does not end even then is left behind."""
        question = asyncio.create_task(self._question(record, grants.person))
        self._asking.add(question)
        question.add_done_callback(self._asking.discard)
        try:
            done, _ = await asyncio.wait({question}, timeout=DEADLINE)
        finally:
            question.cancel()
        if not done or question.cancelled():
            log.warning("no answer about rights in time", record_type=record.type, seconds=DEADLINE)
            return None
        return question.result()

    async def _question(self, record: RecordId, person: Person) -> Privilege | None:
        source = self.sources[record.type]
        try:
            async with self._places[id(source)]:
                answer = await source.privilege(record, person)
        except Exception as error:
            log.warning(
                "no answer about rights",
                record_type=record.type,
                error=error.code if isinstance(error, ConnectChatsError) else type(error).__name__,
                exc_info=not isinstance(error, ConnectChatsError | OSError),  # a TimeoutError is an OSError
            )
            return None
        if not isinstance(answer, Privilege):
            log.error("the answer about rights is no privilege", record_type=record.type, kind=type(answer).__name__)
            return None
        return answer
