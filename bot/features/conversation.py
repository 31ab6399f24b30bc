"""Answers a message or a pressed button, once: the effect, the answer and the memory of both are one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.domain.answers import Answer, Connected, Notice, RecordCard
from bot.domain.chats import Chat, ChatState, state_after
from bot.domain.turns import ChatChange, Message, Press, Turn
from bot.errors import ConnectChatsError, SendFailed, Unavailable
from bot.features import connections, lifecycle, notes
from bot.features.command import Asked
from bot.features.commands import parse, pressed, run_command
from bot.features.refusals import refused, stale_button
from bot.features.rights import Rights, RightsNeeded
from bot.features.scene import Scene
from bot.ports import Clock, Directory, Json, Render, SavedTurn, Store, Transaction

LEASE = 15_000_000
"""Microseconds for which a turn keeps the delivery of its own answer to itself, as long as Teams waits for it; then the
outbox takes over."""
REFUSED = "refused"
"""The member of a saved answer that says whether it was a refusal: a repeat must get an answer of the same kind."""


class _ChatNotKnown(Exception):
    """The store must first learn of this chat, and of its roster if `roster` says so, to answer."""

    def __init__(self, *, roster: bool) -> None:
        super().__init__()
        self.roster = roster


class _NoteForgotten(Exception):
    """The person's last note here must be forgotten first: another command came in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to answer.

    Attributes:
        message: None when there is nothing (more) to send.
        refused: the message says why it was not done; a card that was pressed stays as it is.
        delivery: the outbox row that keeps the message until it is sent.
        repeated: it was answered before; send nothing, or in a response body the same again.
    """

    message: Json | None
    refused: bool = False
    delivery: int | None = None
    repeated: bool = False


class Conversation:
    """Runs what comes from Teams and says what to answer, without the network.

    Args:
        render: an answer as a message; pure, so it may run inside a transaction.
    """

    def __init__(self, *, store: Store, directory: Directory, rights: Rights, render: Render, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._rights = rights
        self._render = render
        self._clock = clock
        self._learning: dict[tuple[Chat, bool, bool], asyncio.Task[bool]] = {}

    async def on_message(self, message: Message, *, in_body: bool = False) -> Reply:
        """Answer a message. `in_body`: the answer goes back in the response, so nothing is left to deliver."""
        asked = parse(message.text, message.links, message.titles)
        return await self._answer(message.turn, asked, in_body=in_body, heard=True)

    async def on_action(self, press: Press, *, in_body: bool, heard: bool) -> Reply:
        """Answer a button. It is authorised anew from person, chat and record; its data proves nothing.

        `heard`: it came as a message, so the bot is in the chat and everybody there sees the answer; an invoke may come
        from a card in a chat that the bot never was in, and only who pressed sees the answer.
        """
        asked = pressed(press)
        if asked is None:
            return self._plain(refused(stale_button()))
        return await self._answer(press.turn, asked, in_body=in_body, heard=heard)

    def _introduced(self, scene: Scene, answer: Connected) -> RecordCard:
        """Connected from a card: only who pressed sees its answer, so the chat gets the note, if the type has one."""
        target = scene.read(answer.view.record)
        if target.type.note and not answer.already:
            note = replace(answer, view=connections.note_view(scene.catalogue, target))
            scene.tx.tell(scene.chat.id, self._render(note))
        return RecordCard(view=target.view, connected=True)

    async def on_chat_change(self, change: ChatChange) -> Reply:
        """Something happened to a chat."""
        chats = await self._store.read(lambda tx: lifecycle.affected(tx, change))
        if not chats:
            return Reply(message=None)
        rosters = await lifecycle.gather(change, chats, self._directory, self._clock)

        def work(tx: Transaction) -> Reply:
            welcome = lifecycle.apply(tx, change, rosters)
            if welcome is None or change.chat is None:
                return Reply(message=None)
            message = self._render(welcome)
            return Reply(message=message, delivery=tx.tell(change.chat.id, message, lease=LEASE))

        return await self._store.write(work)

    async def delivered(self, reply: Reply) -> None:
        """The reply was sent: the outbox may forget it."""
        if reply.delivery is not None:
            delivery = reply.delivery
            await self._store.write(lambda tx: tx.finish_delivery(delivery))

    async def not_delivered(self, reply: Reply, chat_id: str, error: SendFailed) -> None:
        """The reply could not be sent. What was saved with its effect the outbox sends later, unless it may be there.

        Raises:
            Unavailable: nothing was saved, so the message may be delivered again.
            SendFailed: nothing was saved, and the same reply would fail again.
        """
        state = state_after(error)
        delivery = reply.delivery
        park = delivery is not None and (error.ambiguous or state is ChatState.GONE)

        def work(tx: Transaction) -> None:
            if state is not None:
                lifecycle.suspend(tx, chat_id, state)
            if delivery is not None and park:
                tx.park_delivery(delivery, error=str(error))

        if state is not None or park:
            await self._store.write(work)
        elif delivery is None and not error.ambiguous:
            if error.retryable:
                raise Unavailable("The answer could not be sent now.") from error
            raise error

    async def _answer(self, turn: Turn, asked: Asked, *, in_body: bool, heard: bool) -> Reply:
        learned, grants, writes = False, self._rights.of(turn.person), asked.command.writes

        def decide(tx: Transaction) -> Answer:
            chat = _known_chat(tx, turn, learned=learned)
            _part_notes(tx, turn, asked)
            return self._obey(Scene.of(tx, turn, chat, grants), asked, heard=heard)

        while True:
            try:
                return await self._settle(turn, decide, writes=writes, in_body=in_body)
            except _ChatNotKnown as unknown:
                if not await self._learn(turn.chat, heard=heard, roster=unknown.roster):
                    return await self._settle(turn, lambda tx: NOT_HERE, writes=writes, in_body=in_body)
                learned = True
            except RightsNeeded as needed:
                grants = await self._rights.ask(grants, needed.records)
            except _NoteForgotten:
                await self._store.write(lambda tx: tx.forget_note(turn.chat.id, turn.person.id or ""))

    def _obey(self, scene: Scene, asked: Asked, *, heard: bool) -> Answer:
        """The answer, or the refusal. Features check everything before they write, so a refusal has written nothing."""
        try:
            answer = run_command(scene, asked)
            return answer if heard or not isinstance(answer, Connected) else self._introduced(scene, answer)
        except Unavailable:
            raise
        except ConnectChatsError as refusal:
            return refused(refusal)

    async def _learn(self, chat: Chat, *, heard: bool, roster: bool) -> bool:
        """Get to know a chat, however many messages wait for it, with one look at its roster.

        False: the bot is not in it; Teams says so, and nothing was heard from there.
        """
        key = (chat, heard, roster)
        learning = self._learning.get(key)
        if learning is None:
            learning = self._learning[key] = asyncio.create_task(self._read_and_remember(chat, heard, roster))
            learning.add_done_callback(lambda _: self._learning.pop(key))
        return await asyncio.shield(learning)

    async def _read_and_remember(self, chat: Chat, heard: bool, roster: bool) -> bool:
        found = await lifecycle.read_roster(self._directory, chat, self._clock) if roster else None
        if found is not None and found.absent and not heard:
            return False
        await self._store.write(lambda tx: lifecycle.remember(tx, chat, found))
        return True

    async def _settle(
        self, turn: Turn, decide: Callable[[Transaction], Answer], *, writes: bool, in_body: bool
    ) -> Reply:
        """What only looks is answered anew each time; else the effect, its answer and the memory of both are one
        transaction."""

        def once(tx: Transaction) -> Reply:
            if turn.id and (saved := tx.claim_turn(turn.id, turn.chat.id)):
                return _again(saved)
            reply = self._plain(decide(tx))
            assert reply.message is not None
            if turn.id:
                tx.save_turn(turn.id, turn.chat.id, {**reply.message, REFUSED: reply.refused})
            return reply if in_body else replace(reply, delivery=tx.tell(turn.chat.id, reply.message, lease=LEASE))

        return await (self._store.write(once) if writes else self._store.read(lambda tx: self._plain(decide(tx))))

    def _plain(self, answer: Answer) -> Reply:
        return Reply(message=self._render(answer), refused=isinstance(answer, Notice) and answer.refused)


def _again(saved: SavedTurn) -> Reply:
    """What was answered before. What an older program saved does not say whether it was a refusal."""
    message = None if saved.response is None else dict(saved.response)
    return Reply(message=message, refused=bool(message and message.pop(REFUSED, False)), repeated=True)


NOT_HERE = Notice(
    title="I'm not in this chat",
    text="I do this only in chats that I am in, where I know who reads along.",
    next="Add the app Connect Chats to this chat, then try again.",
)


def _known_chat(tx: Transaction, turn: Turn, *, learned: bool) -> Chat:
    """The chat as the store has it; where only a newer program knows its kind, of the kind that Teams says it is.

    `learned`: it was just looked at, so what is known now must do.
    """
    chat = tx.chat(turn.chat.id)
    if chat is None or not (learned or lifecycle.has_roster(chat, tx.now)):
        raise _ChatNotKnown(roster=True)
    if not (learned or lifecycle.is_current(chat, turn.chat)):
        raise _ChatNotKnown(roster=chat.state is not ChatState.ACTIVE)
    return chat if chat.kind.known else replace(chat, kind=turn.chat.kind)


def _part_notes(tx: Transaction, turn: Turn, asked: Asked) -> None:
    """The same note said again counts once, unless something else was asked in between. Looking can't write that."""
    chat, person = turn.chat.id, turn.person.id or ""
    if not asked.command.writes:
        if tx.noted_since(chat, person, tx.now - notes.SAME_NOTE_WITHIN):
            raise _NoteForgotten
    elif asked.command is not notes.COMMAND:
        tx.forget_note(chat, person)
