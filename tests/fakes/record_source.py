"""A system of records that is asked for rights, and says what a test gave it."""

from __future__ import annotations

import asyncio
from collections import Counter

from bot.domain.people import Person
from bot.domain.records import Privilege, RecordId
from bot.errors import Unavailable
from tests.waiting import soon


class FakeRecordSource:
    """`bot.ports.RecordSource`. It checks what every implementation may rely on: it is asked about a record of its
    types, for a person with an id, in lower case, and a tenant.

    Args:
        types: the record types it answers for; a question about others fails the test.

    Attributes:
        rights: by (record, person's id), each as text; who is not in it has none, as for a record that does not exist.
        failing: raised instead of an answer.
        garbage: answered instead of a privilege.
        silent: it takes questions and does not answer until it is no longer.
        stubborn: it does not even end when it is told to.
        delay: seconds until it answers.
        asked: the questions in their order: (record, person's id).
        at_once: how many questions were open at most at the same time.
        wrong: what it was asked against the rules.
    """

    def __init__(self, *types: str, rights: dict[tuple[str, str | None], Privilege] | None = None) -> None:
        self._types = types
        self._open = 0
        self._came = asyncio.Event()
        self._speaking = asyncio.Event()
        self._speaking.set()
        self.rights = rights or {}
        self.failing: BaseException | None = None
        self.garbage: object = None
        self.stubborn = False
        self.delay = 0.0
        self.asked: list[tuple[str, str]] = []
        self.at_once = 0
        self.wrong: list[str] = []

    @property
    def silent(self) -> bool:
        return not self._speaking.is_set()

    @silent.setter
    def silent(self, silent: bool) -> None:
        if silent:
            self._speaking.clear()
        else:
            self._speaking.set()

    @property
    def times(self) -> Counter[str]:
        """How often it was asked about each record."""
        return Counter(record for record, _ in self.asked)

    @property
    def open(self) -> int:
        """Questions that it has not answered and that were not taken back."""
        return self._open

    async def until_open(self, number: int) -> None:
        """Returns when so many questions are open; soon."""
        async with soon():
            while self._open < number:
                self._came.clear()
                await self._came.wait()

    async def privilege(self, record: RecordId, person: Person) -> Privilege:
        if record.type not in self._types or not person.id or person.id != person.id.lower() or not person.tenant:
            self.wrong.append(f"{record} for {person}")
        self.asked.append((str(record), person.id or ""))
        self._open += 1
        self.at_once = max(self.at_once, self._open)
        self._came.set()
        try:
            return await self._answer(record, person)
        finally:
            self._open -= 1

    async def _answer(self, record: RecordId, person: Person) -> Privilege:
        if self.stubborn:
            await self._ignore_the_end()
        await self._speaking.wait()
        await asyncio.sleep(self.delay)
        if self.failing is not None:
            raise self.failing
        if self.garbage is not None:
            return self.garbage  # pyright: ignore[reportReturnType]
        return self.rights.get((str(record), person.id), Privilege.NONE)

    async def _ignore_the_end(self) -> None:
        while self.stubborn:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        raise Unavailable("Too late.")
