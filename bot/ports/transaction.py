"""What a transaction of the store can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat, Connection
from bot.domain.deliveries import Delivery, EventDelivery, OutboxStatus, ParkedEvent
from bot.domain.events import Event, Fact
from bot.domain.history import Refused, SettingsChange
from bot.domain.people import Member
from bot.domain.records import Record, RecordId
from bot.domain.settings import App, RecordType
from bot.domain.webhooks import Webhook, WebhookStatus

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTurn:
    """What was answered to an activity."""

    response: Json | None


class Transaction(Protocol):
    """One transaction of the store, for one tenant. Blocking; only ever used inside `Store.read` or `Store.write`."""

    tenant: str
    now: int

    # settings
    def catalogue(self) -> Catalogue: ...
    def put_record_type(self, record_type: RecordType) -> None: ...
    def put_app(self, app: App) -> None: ...
    def put_admins(self, admins: Mapping[str, str]) -> None:
        """Entra object ids -> names ("" where not known): these and no others."""
        ...

    def lock_settings(self) -> None:
        """Until the end of the transaction nobody else changes a setting."""
        ...

    def add_settings_change(self, change: SettingsChange) -> None:
        """Append to the history; `number` and `at` are given by the store. Under `lock_settings`."""
        ...

    def settings_changes(self, *, after: int = 0, limit: int, newest_first: bool = False) -> list[SettingsChange]:
        """Oldest first those with `number` > `after`; newest first those with `number` < `after` (0: the newest)."""
        ...

    # audit trail
    def add_refusal(self, refused: Refused) -> None:
        """Append; `number` and `at` are given by the store."""
        ...

    def refusals(self, *, after: int = 0, limit: int, newest_first: bool = False) -> list[Refused]:
        """As `settings_changes`."""
        ...

    def refusals_of(self, person: str | None, *, since: int, limit: int) -> list[Refused]:
        """Those of one person (None: of all who have no id) that are not older than `since`."""
        ...

    def forget_refusals(self, *, before: int) -> int:
        """Delete those from before this time; how many."""
        ...

    # records
    def record(self, record: RecordId) -> Record | None:
        """The record with its whole access map."""
        ...

    def record_for(self, record: RecordId, person: str | None) -> Record | None:
        """The record with only the access entries of `person` and of everybody."""
        ...

    def lock_record(self, record: RecordId) -> None:
        """Until the end of the transaction nobody else writes this record, its connections or its timeline."""
        ...

    def put_record(self, record: Record) -> None:
        """Insert or replace; `record.version` is kept as given."""
        ...

    def delete_record(self, record: RecordId) -> None: ...
    def last_version(self, record: RecordId) -> int:
        """The highest version the record ever had (versions go on after a deletion); 0 if it never was."""
        ...

    # chats and people
    def chat(self, chat: str) -> Chat | None: ...
    def channels_of(self, team: str) -> list[Chat]: ...
    def lock_chat(self, chat: str) -> None:
        """Until the end of the transaction nobody else writes this chat or its connections."""
        ...

    def put_chat(self, chat: Chat) -> None:
        """Insert or replace."""
        ...

    def members(self, chat: str) -> list[Member]: ...
    def put_members(self, chat: str, members: Iterable[Member]) -> None:
        """Insert or replace these members; others stay."""
        ...

    def replace_members(self, chat: str, members: Iterable[Member]) -> None:
        """These members and no others."""
        ...

    def remove_members(self, chat: str, accounts: Iterable[str]) -> None: ...
    def is_guest(self, person: str) -> bool:
        """Whether some roster showed this person as a guest, even if they left that chat since."""
        ...

    def forget_guests(self, *, before: int) -> int:
        """Those whom no roster showed as guests since then: they may be members by now. How many."""
        ...

    # connections
    def connection(self, chat: str, record: RecordId) -> Connection | None: ...
    def connections_of_chat(self, chat: str) -> list[Connection]: ...
    def connections_of_record(self, record: RecordId) -> list[tuple[Connection, Chat]]: ...
    def add_connection(self, connection: Connection) -> bool:
        """Insert; False when it is there already."""
        ...

    def remove_connection(self, chat: str, record: RecordId) -> bool:
        """Delete; False when it was not there."""
        ...

    # events
    def add_event(self, fact: Fact) -> Event:
        """Append to the record's timeline and to the feed."""
        ...

    def events(self, record: RecordId, *, after: int = 0, limit: int, newest_first: bool = False) -> list[Event]:
        """Oldest first those with `seq` > `after`; newest first those with `seq` < `after` (0: from the newest)."""
        ...

    def last_seq(self, record: RecordId) -> int: ...
    def feed(self, *, after: int, limit: int) -> list[tuple[int, Event]]:
        """All events of the tenant with their position in the feed, oldest first."""
        ...

    def last_position(self) -> int:
        """The position of the feed's newest event, or a higher one that no event will have; 0 before the first."""
        ...

    # once
    def claim_turn(self, activity: str, chat: str) -> SavedTurn | None:
        """Take an activity as ours to answer: None. If it was taken before: what was answered."""
        ...

    def save_turn(self, activity: str, chat: str, response: Json) -> None: ...
    def recent_note(self, chat: str, person: str) -> tuple[str, int, int] | None:
        """Digest, time and `seq` of the person's last command here, if that was a note. Locks it."""
        ...

    def noted_since(self, chat: str, person: str, since: int) -> bool:
        """Whether `recent_note` would find one that is not older than `since`. Only reads."""
        ...

    def remember_note(self, chat: str, person: str, digest: str, seq: int) -> None: ...
    def forget_note(self, chat: str, person: str) -> None: ...
    def idempotent_response(self, key: str) -> tuple[str, Json] | None:
        """Digest of the request and the response saved under an `Idempotency-Key`. Locks the key."""
        ...

    def save_idempotent_response(self, key: str, digest: str, response: Json) -> None: ...

    # outbox
    def tell(self, chat: str, message: Json, *, lease: int = 0) -> int:
        """Save a message that must be delivered into a chat.

        `lease`: microseconds during which the caller delivers it itself; 0 leaves it to the outbox worker.
        """
        ...

    def claim_deliveries(self, *, limit: int, most: int, lease: int) -> list[Delivery]:
        """Lease the `most` oldest messages of each of at most `limit` chats whose oldest message is due.

        Chats that are suspended or gone are left alone, and so are chats where somebody holds a message.
        """
        ...

    def renew_delivery(self, held: Delivery, *, lease: int) -> Delivery | None:
        """The same with its new `lease_until`; None when somebody else holds one of its messages now."""
        ...

    def finish_delivery(self, delivery: int, fence: int | None = None) -> bool:
        """It was delivered. False when somebody else holds it now. `fence` None: of whoever told it with a lease."""
        ...

    def postpone_delivery(self, delivery: int, fence: int, *, until: int, error: str) -> bool: ...
    def park_delivery(self, delivery: int, fence: int | None = None, *, error: str) -> bool:
        """Give up; the row stays, visible."""
        ...

    def withdraw_messages(self, chat: str | None, *, instead: Json, error: str) -> int:
        """Park what waits for a chat (None: for every chat) since it may not be shown there any more; how many.

        Each of these chats is told `instead`, once. What somebody holds may be on its way this moment, and stays
        theirs: it is delivered, or `instead` is when they have to try again. So nothing written before goes out later;
        a message that another transaction is just writing does, if it was not told yet when this looks.
        """
        ...

    # webhooks
    def webhooks(self) -> list[Webhook]:
        """All of them, in the order of creation."""
        ...

    def webhook(self, webhook: str) -> Webhook | None: ...
    def put_webhook(self, webhook: Webhook) -> None:
        """Insert or replace. Every event it wants that is added from now on is owed to it."""
        ...

    def remove_webhook(self, webhook: str) -> bool:
        """With everything that is owed to it; False when it was not there."""
        ...

    def webhook_status(self, webhook: str) -> WebhookStatus: ...
    def parked_events(self, webhook: str, *, limit: int) -> list[ParkedEvent]:
        """Those given up, in the order of the feed."""
        ...

    def replay_events(self, webhook: str) -> int:
        """Parked events wait again, and all that waits is due now, with a fresh schedule; how many were parked."""
        ...

    # outbox: events to webhooks. Stream = webhook x record: in order of `seq`, one held at a time.
    def due_webhooks(self) -> list[str]:
        """Active webhooks with a stream that is due and free."""
        ...

    def claim_events(self, webhook: str, *, limit: int, lease: int) -> list[EventDelivery]:
        """Lease the oldest waiting event of each of at most `limit` due streams of an active webhook."""
        ...

    def renew_events(self, held: Sequence[EventDelivery], *, lease: int) -> list[EventDelivery]:
        """Those still held, with their new `lease_until`; the others were taken over."""
        ...

    def delivered_events(self, told: Sequence[EventDelivery]) -> list[EventDelivery]:
        """They were told: their streams go on at once with the next. Those that somebody else held by now (they may
        have been told twice)."""
        ...

    def postpone_event(self, held: EventDelivery, *, until: int, error: str) -> bool:
        """The stream waits until then. False when somebody else holds it now."""
        ...

    def park_event(self, held: EventDelivery, *, error: str) -> bool:
        """Give the event up, visibly; its stream goes on with the next. False when somebody else holds it now."""
        ...

    def outbox_status(self) -> dict[str, OutboxStatus]:
        """By kind of destination: `chat` and `webhook`."""
        ...

    def expire(self, *, before: int) -> int:
        """Forget turns, idempotency keys and delivered messages older than `before`; how many rows."""
        ...

    def outbox_backlog(self) -> tuple[int, int | None]:
        """How many messages wait, and since when the oldest does."""
        ...
