"""The fake receiver notices what it is there to notice: else the tests that trust it would prove nothing."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession

from bot.webhooks.envelope import Envelopes
from bot.wiring import system_clock
from tests.fakes.receiver import FakeReceiver
from tests.webhooks.conftest import SOURCE, MakeSender, delivery, event

HOUR = 3_600_000_000


async def test_repeats_and_inversions_are_counted(make_sender: MakeSender) -> None:
    sender = make_sender()
    async with FakeReceiver() as receiver:
        one, two, other = event(1), event(2), event(1, record="A-2")
        for told, attempts in ((two, 1), (one, 1), (other, 1), (one, 2), (two, 1)):
            await sender.send(delivery(receiver.url, receiver.secret, of=told, attempts=attempts))
        assert receiver.order() == {"account/A-1001": [2, 1], "account/A-2": [1]}
        assert receiver.inversions == [("account/A-1001", 2, 1)]
        assert receiver.doubles == {one.id: 1, two.id: 1}
        assert receiver.unflagged == [two.id]
        assert receiver.requests.total() == 5
        assert receiver.problems == []


@pytest.mark.parametrize(
    "forged",
    [
        {"Content_Type": "application/json"},
        {"webhook_id": "another"},
        {"webhook_signature": "v1,AAAA"},
        {"webhook_timestamp": "1"},
        {"webhook_attempt": "0"},
        {"webhook_attempt": "one"},
        {"Cookie": "a=b"},
        {"Authorization": "Bearer x"},
    ],
)
async def test_requests_that_are_not_as_agreed_are_refused(forged: dict[str, str]) -> None:
    async with FakeReceiver() as receiver, ClientSession(skip_auto_headers=["Accept-Encoding"]) as http:
        body, headers = Envelopes(source=SOURCE).seal(delivery(receiver.url, receiver.secret), now=system_clock())
        async with http.post(receiver.url, data=body, headers=headers) as answer:
            assert answer.status == 204
        changed = {name.replace("_", "-"): text for name, text in forged.items()}
        async with http.post(receiver.url, data=body, headers=headers | changed) as answer:
            assert answer.status == 400
        assert (len(receiver.arrivals), len(receiver.problems)) == (1, 1)


async def test_what_was_signed_at_another_time_is_refused_by_the_receivers_clock() -> None:
    """For tests that set the clock: the signature is as the standard verifier wants it, in the time of the test."""

    def later() -> int:
        return system_clock() + 75 * HOUR

    async with FakeReceiver(clock=later) as receiver, ClientSession(skip_auto_headers=["Accept-Encoding"]) as http:
        for now, status in ((later(), 204), (system_clock(), 400)):
            body, headers = Envelopes(source=SOURCE).seal(delivery(receiver.url, receiver.secret), now=now)
            async with http.post(receiver.url, data=body, headers=headers) as answer:
                assert answer.status == status
