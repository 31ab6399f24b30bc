"""`bot.ports.Transaction` in SQL, put together from its parts."""

from __future__ import annotations

from bot.store.chats import ChatsPart
from bot.store.once import OncePart
from bot.store.outbox import OutboxPart
from bot.store.records import RecordsPart
from bot.store.settings import SettingsPart
from bot.store.webhooks import WebhooksPart


class SqlTransaction(SettingsPart, RecordsPart, ChatsPart, WebhooksPart, OncePart, OutboxPart):
    """One transaction of the store, for one tenant. Blocking, and only to be used in the thread that began it."""

    def end(self) -> None:
        """What is left to do before the commit: the last lock is taken here."""
        if self.settings_changed:
            self.catalogue()  # it must be read before somebody else changes it, to be known under its version
        self.write_events()
