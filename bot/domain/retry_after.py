"""`Retry-After`: how long who refused asks to be left alone (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)


def seconds_until(retry_after: str | None, *, now: int) -> float | None:
    """The header, a number or a date, in seconds from `now` (microseconds since the epoch); None when it is neither."""
    if retry_after is None:
        return None
    if _SECONDS.fullmatch(retry_after):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    return max(0.0, moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now / 1_000_000)
