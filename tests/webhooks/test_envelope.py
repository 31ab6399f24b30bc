"""What is sent is a CloudEvent that `cloudevents` reads, signed so that `standardwebhooks` believes it (T17)."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from bot.domain.events import EventType, Fact
from bot.domain.records import RecordId
from bot.domain.webhooks import Secret
from bot.webhooks.envelope import Envelopes
from tests.fakes.receiver import new_secret
from tests.webhooks.conftest import SOURCE, delivery, event

URL = "https://hooks.example.com/"


def seal(*secrets: Secret | str, now: int = 0, **more) -> tuple[bytes, dict[str, str]]:
    return Envelopes(source=SOURCE).seal(delivery(URL, *secrets, **more), now=now or present())


def present() -> int:
    return time.time_ns() // 1000


def accepts(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Verifier(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_the_body_is_a_cloud_event_that_holds_the_event_as_the_feed_shows_it() -> None:
    told = event(7, text="Grüße 🙂")
    body, headers = seal(of=told)
    read = JSONFormat().read(None, body)
    assert read.get_specversion() == "1.0"
    assert read.get_id() == told.id == headers["webhook-id"]
    assert read.get_source() == SOURCE
    assert read.get_type() == "connectchats.note.added"
    assert read.get_subject() == "account/A-1001"
    assert read.get_time() == datetime(2026, 11, 22, 18, 30, 0, 123456, tzinfo=UTC)
    assert read.get_datacontenttype() == "application/json"
    assert read.get_attributes()["sequence"] == "7"
    assert read.get_data() == told.to_wire()
    assert headers["Content-Type"] == "application/cloudevents+json"


@pytest.mark.parametrize("kind", EventType)
def test_every_kind_of_event_can_be_told(kind: EventType) -> None:
    told = replace(event(), fact=Fact(type=kind, record=RecordId("case", "C-1")))
    assert JSONFormat().read(None, seal(of=told)[0]).get_type() == f"connectchats.{kind.value}"


def test_half_a_character_from_a_chats_name_does_not_stop_a_stream() -> None:
    secret = new_secret()
    body, headers = seal(secret, of=event(text="half \ud83d of one"))
    assert accepts(secret, body, headers)


def test_the_secret_signs_and_another_one_or_another_body_does_not_fit() -> None:
    secret = new_secret()
    body, headers = seal(secret)
    assert accepts(secret, body, headers)
    assert not accepts(new_secret(), body, headers)
    assert not accepts(secret, body.replace(b"A-1001", b"A-1002"), headers)
    assert not accepts(secret, body, headers | {"webhook-id": "another"})
    assert not accepts(secret, body, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)})


def test_each_attempt_bears_its_own_time_and_number_and_the_same_id() -> None:
    secret, told, now = new_secret(), event(), present()
    _, first = seal(secret, of=told, now=now - 600_000_000)
    _, second = seal(secret, of=told, now=now, attempts=2)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 600
    assert (first["webhook-attempt"], second["webhook-attempt"]) == ("1", "2")
    assert first["webhook-signature"] != second["webhook-signature"]


def test_a_replaced_secret_signs_beside_the_new_one_until_its_time_is_over() -> None:
    new, old, end = new_secret(), new_secret(), present()
    pair = (Secret(text=new), Secret(text=old, until=end))
    body, before = seal(*pair, now=end - 1)
    assert len(before["webhook-signature"].split(" ")) == 2
    assert accepts(new, body, before)
    assert accepts(old, body, before)
    body, after = seal(*pair, now=end)
    assert accepts(new, body, after)
    assert not accepts(old, body, after)
