"""What a webhook's request looks like: a CloudEvent in JSON, signed.

Sources: CloudEvents 1.0 (cloudevents.io), "JSON Event Format", structured mode, with the extension `sequence`;
Standard Webhooks 1.0 (standardwebhooks.com), "Webhook metadata" and "Signature scheme".
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache

from standardwebhooks import Webhook as Signer

from bot.domain.deliveries import EventDelivery
from bot.domain.events import Event
from bot.ports import Json

TYPE_PREFIX = "connectchats."
SIGNERS_KEPT = 256  # more than there are secrets of webhooks: reading one costs as much as signing


def cloud_event(event: Event, *, source: str) -> Json:
    """The event as CloudEvents 1.0 writes it. `source` and `id` together name it in the whole world."""
    wire = event.to_wire()
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": TYPE_PREFIX + wire["type"],
        "subject": str(event.fact.record),
        "time": wire["at"],
        "datacontenttype": "application/json",
        "sequence": str(event.seq),
        "data": wire,
    }


class Envelopes:
    """Makes requests. `source`: this server's address, as other systems know it."""

    def __init__(self, *, source: str) -> None:
        self._source = source
        self._signer = lru_cache(maxsize=SIGNERS_KEPT)(Signer)

    def seal(self, delivery: EventDelivery, *, now: int) -> tuple[bytes, dict[str, str]]:
        """Body and headers of one attempt. A replaced secret signs too, as long as it is valid.

        Args:
            now: microseconds since the epoch; receivers refuse what differs from their own time by 5 minutes.
        """
        event = delivery.event
        # In ASCII: half a character, which a chat's name may hold, is no UTF-8.
        body = json.dumps(cloud_event(event, source=self._source), separators=(",", ":"))
        at = datetime.fromtimestamp(now // 1_000_000, UTC)
        signatures = [
            self._signer(secret.text).sign(event.id, at, body)
            for secret in delivery.webhook.secrets
            if secret.until is None or now < secret.until
        ]
        return body.encode(), {
            "Content-Type": "application/cloudevents+json",
            "User-Agent": "Connect-Chats",
            "webhook-id": event.id,
            "webhook-timestamp": str(now // 1_000_000),
            "webhook-signature": " ".join(signatures),
            "webhook-attempt": str(delivery.attempts),
        }
