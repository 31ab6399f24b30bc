"""After a database was restored from a backup, before the program is started on it.

python -m bot.store.restored    prepares the database that DATABASE_URL names

Others have seen what the backup does not know. This keeps new events and messages from being taken for those.
"""

from __future__ import annotations

import sys

from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from bot.config import read_settings
from bot.errors import ConnectChatsError, SettingsInvalid
from bot.store.engine import open_engines
from bot.store.failures import opening
from bot.store.migrate import migrate, stored_version
from bot.store.numbering import continue_after, last_number
from bot.store.outbox import PARKED, READY
from bot.store.schema import feeds, outbox, refusals, settings_changes

GAP = 1_000_000_000
"""More than there ever were of them between a backup and its restore."""


def prepare(url: str) -> int:
    """Make a restored database ready to be served; how many messages for chats were parked.

    * The feed goes on with positions that no reader can have seen: with those that were given out after the backup,
      readers who are ahead of it would take new events for old ones and miss them. So do the numbers of the history of
      the settings and of the audit trail.
    * Messages for chats that waited when the backup was made are parked: nearly all of them were delivered since, and
      people would see them twice. Events for webhooks still are told: receivers know those they have by their id.

    Raises:
        SettingsInvalid: the address can't be used, or the database is a newer program's, or nothing was restored there.
    """
    engines = open_engines(url)
    try:
        with engines.writer.connect() as connection:
            if stored_version(connection) is None:
                raise SettingsInvalid(["The database that DATABASE_URL names is empty. Restore the backup first."])
        migrate(engines.writer)
        with engines.writer.begin() as connection:
            connection.execute(update(feeds).values(last_position=feeds.c.last_position + GAP))
            for table in (settings_changes, refusals):
                continue_after(connection, table, last_number(connection, table) + GAP)
            held_back = update(outbox).where(outbox.c.state == READY).values(state=PARKED, error="restored")
            return connection.execute(held_back).rowcount
    finally:
        engines.dispose()


def main() -> int:
    settings, _ = read_settings()
    try:
        parked = prepare(settings.database_url.get_secret_value())
    except (ConnectChatsError, DBAPIError) as error:
        print(opening(error) if isinstance(error, DBAPIError) else error, file=sys.stderr)
        return 2
    print(f"The database is ready to be served. {parked} messages that waited for chats were parked.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
