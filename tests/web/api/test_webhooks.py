"""`/webhooks`: who is told, secrets that are shown once, how they fare, and what was given up."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.deliveries import EventDelivery
from bot.domain.events import EventType, Fact
from bot.domain.records import RecordId
from bot.domain.webhooks import WebhookState
from bot.features.webhooks import MAX_WEBHOOKS, ROTATION
from bot.ports import Transaction
from tests.web.api.conftest import Api

URL = "https://hooks.example.com/connect-chats"
STATUS = {"waiting": 0, "oldest": None, "parked": 0, "delivered_at": None, "last_error": None}


def secret_of(length: int) -> str:
    return "whsec_" + base64.b64encode(bytes(range(length))).decode()


async def create(api: Api, **body: Any) -> Any:
    answer = await api.ask("POST", "/webhooks", {"url": URL, **body})
    assert answer.status == 201, answer
    return answer.json


async def happen(api: Api, *records: str) -> None:
    for record in records:
        assert (await api.ask("PUT", f"/records/{record}", {"title": "x"})).status == 201


async def claim(api: Api, webhook: str) -> list[EventDelivery]:
    return await api.store.write(lambda tx: tx.claim_events(webhook, limit=10, lease=6_000_000))


async def test_a_webhook_is_created_shown_and_deleted(any_api: Api) -> None:
    answer = await any_api.ask("POST", "/webhooks", {"url": URL, "types": ["note.added"], "record_types": ["case"]})
    assert answer.status == 201
    made = answer.json
    assert answer.headers["Location"] == f"/api/v1/webhooks/{made['id']}"
    assert re.fullmatch("whsec_[A-Za-z0-9+/]{43}=", made["secret"])
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert shown == {
        "id": made["id"],
        "url": URL,
        "types": ["note.added"],
        "record_types": ["case"],
        "state": "active",
        "created_at": made["created_at"],
        "secret_until": None,
        **STATUS,
    }
    assert (await any_api.ask("GET", f"/webhooks/{made['id']}")).json == shown
    assert (await any_api.ask("GET", "/webhooks")).json == {"items": [shown]}
    assert (await any_api.ask("DELETE", f"/webhooks/{made['id']}")).status == 204
    assert (await any_api.ask("GET", "/webhooks")).json == {"items": []}


async def test_webhooks_are_listed_in_order_of_creation_each_with_its_own_secret(any_api: Api) -> None:
    made = [await create(any_api, url=f"{URL}/{number}") for number in range(5)]
    listed = (await any_api.ask("GET", "/webhooks")).json["items"]
    assert [item["id"] for item in listed] == [item["id"] for item in made]
    assert len({item["secret"] for item in made}) == 5


async def test_a_secret_is_shown_only_when_it_is_made(any_api: Api) -> None:
    first = await create(any_api)
    path = f"/webhooks/{first['id']}"
    second = (await any_api.ask("POST", f"{path}/secret", {})).json
    shown = [(await any_api.ask("GET", place)).json for place in (path, "/webhooks", f"{path}/parked")]
    shown.append((await any_api.ask("POST", f"{path}/replay")).json)
    assert "whsec_" not in repr(shown)
    assert first["secret"][6:20] not in repr(shown)
    assert second["secret"][6:20] not in repr(shown)


async def test_there_are_at_most_a_hundred(api: Api) -> None:
    for number in range(MAX_WEBHOOKS):
        made = await create(api, url=f"{URL}/{number}")
    answer = await api.ask("POST", "/webhooks", {"url": URL})
    assert answer.status == 409
    assert "Delete one" in answer.detail
    assert (await api.ask("DELETE", f"/webhooks/{made['id']}")).status == 204
    await create(api)


@pytest.mark.parametrize("webhook", ["01KAXV7Q5J6Z8M3T9R2W4Y1N0B", "x", "a%00", "%F0%9F%99%82", "x" * 500, "."])
async def test_a_webhook_that_is_not_there_is_unknown(any_api: Api, webhook: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/replay", None),
        ("POST", "/secret", {}),
        ("GET", "/parked", None),
    ):
        assert (await any_api.ask(method, f"/webhooks/{webhook}{path}", body)).status in (404, 405)


async def test_a_replaced_secret_signs_for_a_day_more(any_api: Api) -> None:
    made = await create(any_api)
    path = f"/webhooks/{made['id']}"
    changed = (await any_api.ask("POST", f"{path}/secret", {})).json
    assert changed["secret"] != made["secret"]
    assert (await any_api.ask("GET", path)).json["secret_until"] == changed["secret_until"] > changed["created_at"]
    (webhook,) = await any_api.store.read(lambda tx: tx.webhooks())
    assert [secret.text for secret in webhook.secrets] == [changed["secret"], made["secret"]]
    until = webhook.secrets[1].until
    assert until is not None
    assert 0 <= until - webhook.created_at - ROTATION < 60_000_000


async def test_replacing_a_secret_by_the_same_again_changes_nothing(any_api: Api) -> None:
    made = await create(any_api)
    path = f"/webhooks/{made['id']}/secret"
    first = await any_api.ask("POST", path, {"secret": secret_of(32)})
    again = await any_api.ask("POST", path, {"secret": secret_of(32)})
    assert (first.status, first.json) == (again.status, again.json)
    (webhook,) = await any_api.store.read(lambda tx: tx.webhooks())
    assert [secret.text for secret in webhook.secrets] == [secret_of(32), made["secret"]]


async def test_only_the_last_two_secrets_sign(any_api: Api) -> None:
    made = await create(any_api)
    secrets = [(await any_api.ask("POST", f"/webhooks/{made['id']}/secret", {})).json["secret"] for _ in range(2)]
    (webhook,) = await any_api.store.read(lambda tx: tx.webhooks())
    assert [secret.text for secret in webhook.secrets] == secrets[::-1]


async def test_the_status_tells_what_waits_what_failed_and_what_was_taken(any_api: Api) -> None:
    made = await create(any_api)
    path = f"/webhooks/{made['id']}"
    await happen(any_api, "account/A-1", "account/A-2")
    waiting = (await any_api.ask("GET", path)).json
    assert (waiting["waiting"], waiting["parked"]) == (2, 0)
    assert waiting["oldest"] > made["created_at"]
    first, second = await claim(any_api, made["id"])
    await any_api.store.write(lambda tx: tx.delivered_events([first]))
    await any_api.store.write(lambda tx: tx.postpone_event(second, until=tx.now + 1, error="It answered 503."))
    status = (await any_api.ask("GET", path)).json
    assert (status["waiting"], status["parked"]) == (1, 0)
    assert status["delivered_at"] > made["created_at"]
    assert status["last_error"]["message"] == "It answered 503."
    assert status["last_error"]["at"] > made["created_at"]


async def test_what_was_given_up_is_shown_and_replayed(any_api: Api) -> None:
    made = await create(any_api)
    path = f"/webhooks/{made['id']}"
    await happen(any_api, "account/A-1", "account/A-2", "account/A-3")
    held = await claim(any_api, made["id"])
    for item in held:
        await any_api.store.write(lambda tx, item=item: tx.park_event(item, error="It answered 500."))
    assert (await any_api.ask("GET", path)).json["parked"] == 3
    parked = (await any_api.ask("GET", f"{path}/parked?limit=2")).json["items"]
    assert [item["event"]["record"]["id"] for item in parked] == ["A-1", "A-2"]
    assert parked[0] == {
        "event": (await any_api.ask("GET", "/records/account/A-1/timeline")).json["events"][0],
        "attempts": 1,
        "parked_at": parked[0]["parked_at"],
        "error": "It answered 500.",
    }
    replayed = await any_api.ask("POST", f"{path}/replay")
    assert (replayed.status, replayed.json) == (200, {"replayed": 3})
    status = (await any_api.ask("GET", path)).json
    assert (status["waiting"], status["parked"], status["last_error"]) == (3, 0, None)
    assert (await any_api.ask("GET", f"{path}/parked")).json == {"items": []}
    assert len(await claim(any_api, made["id"])) == 3


async def test_a_replay_makes_a_disabled_webhook_active_again(any_api: Api) -> None:
    made = await create(any_api)

    def disable(tx: Transaction) -> None:
        webhook = tx.webhook(made["id"])
        assert webhook is not None
        tx.put_webhook(replace(webhook, state=WebhookState.DISABLED))

    await any_api.store.write(disable)
    await happen(any_api, "account/A-1")
    shown = (await any_api.ask("GET", f"/webhooks/{made['id']}")).json
    assert (shown["state"], shown["waiting"]) == ("disabled", 1)
    assert await claim(any_api, made["id"]) == []
    assert (await any_api.ask("POST", f"/webhooks/{made['id']}/replay")).json == {"replayed": 0}
    assert (await any_api.ask("GET", f"/webhooks/{made['id']}")).json["state"] == "active"
    assert len(await claim(any_api, made["id"])) == 1


async def test_only_later_events_that_it_wants_are_owed(any_api: Api) -> None:
    await happen(any_api, "account/A-1")
    everything = await create(any_api)
    some = await create(any_api, types=["note.added", "note.added", "record.deleted"], record_types=["case", "case"])
    assert (some["types"], some["record_types"]) == (["note.added", "record.deleted"], ["case"])
    await happen(any_api, "case/C-1", "account/A-2")

    def note(tx: Transaction) -> None:
        for record in (RecordId("case", "C-1"), RecordId("account", "A-2")):
            tx.add_event(Fact(type=EventType.NOTE_ADDED, record=record))

    await any_api.store.write(note)
    assert (await any_api.ask("GET", f"/webhooks/{everything['id']}")).json["waiting"] == 4
    assert (await any_api.ask("GET", f"/webhooks/{some['id']}")).json["waiting"] == 1
