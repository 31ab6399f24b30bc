"""`Retry-After`, as it comes from whoever refuses."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bot.domain.retry_after import seconds_until

NOW = 1_795_372_200_000_000


@pytest.fixture(autouse=True)
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A date without a zone is UTC, wherever this runs."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("7", 7),
        ("Sun, 22 Nov 2026 18:31:00 GMT", 60),
        ("Sunday, 22-Nov-26 18:31:00 GMT", 60),
        ("Sun Nov 22 18:31:00 2026", 60),
        ("Sun, 22 Nov 2026 18:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 18:31:00 -0000", 60),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        ("9" * 40, None),
        ("Sun, 99 Nov 2026 18:31:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date_or_nothing(header: str | None, seconds: float | None) -> None:
    assert seconds_until(header, now=NOW) == seconds
