"""What a webhook's request looks like: a CloudEvent in JSON, signed.

Sources: CloudEvents 1.0 (cloudevents.io), "JSON Event Format", structured mode, with the extension `sequence`;
Standard Webhooks 1.0 (standardwebhooks.com), "Webhook metadata" and "Signature scheme".
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from functools import lru_cache

from bot.domain.deliveries import EventDelivery
from bot.domain.documents import compact_ascii
from bot.domain.events import Event
from bot.ports import Json

TYPE_PREFIX = "connectchats."
KEYS_KEPT = 256  # more than there are secrets of webhooks


@lru_cache(maxsize=KEYS_KEPT)
def key_of(secret: str) -> bytes:
    """The bytes that `whsec_...` stands for."""
    return b64decode(secret.removeprefix("whsec_") + "==")  # what is too much is no harm, what is missing is


def signature(key: bytes, message_id: str, seconds: str, body: bytes) -> str:
    """One of a `webhook-signature` header. The package `standardwebhooks` says the same, with which the tests compare
    it, in four times the time."""
    return "v1," + b64encode(hmac.digest(key, f"{message_id}.{seconds}.".encode() + body, "sha256")).decode()


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

    def seal(self, delivery: EventDelivery, *, now: int) -> tuple[bytes, dict[str, str]]:
        """Body and headers of one attempt. A replaced secret signs too, as long as it is valid.

        Args:
            now: microseconds since the epoch; receivers refuse what differs from their own time by 5 minutes.
        """
        event = delivery.event
        body, seconds = compact_ascii(cloud_event(event, source=self._source)).encode(), str(now // 1_000_000)
        signatures = [
            signature(key_of(secret.text), event.id, seconds, body)
            for secret in delivery.webhook.secrets
            if secret.until is None or now < secret.until
        ]
        return body, {
            "Content-Type": "application/cloudevents+json",
            "User-Agent": "Connect-Chats",
            "webhook-id": event.id,
            "webhook-timestamp": seconds,
            "webhook-signature": " ".join(signatures),
            "webhook-attempt": str(delivery.attempts),
        }
