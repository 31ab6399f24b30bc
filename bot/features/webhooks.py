"""Webhooks: addresses of other systems that are told of events. What the record system asks for by REST."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, replace

from ulid import ULID

from bot.domain.addresses import is_loopback, is_public
from bot.domain.deliveries import ParkedEvent
from bot.domain.events import EventType
from bot.domain.text import one_line
from bot.domain.webhooks import Secret, Webhook, WebhookState, WebhookStatus
from bot.errors import Conflict, NotFound, Unprocessable
from bot.ports import Transaction

MAX_WEBHOOKS = 100
MAX_URL = 2048
MAX_HOST = 253
MIN_SECRET, MAX_SECRET = 24, 64
"""Bytes, as Standard Webhooks has it."""
ROTATION = 24 * 3600 * 1_000_000
"""Microseconds that a replaced secret still signs, beside the new one."""

# Narrower than what URLs may be, so that nobody takes it for another host than we do: no userinfo, no fragment, no
# backslash, no trailing dot, no escapes in the host, nothing outside ASCII.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_PART = r"[A-Za-z0-9._~:@!$&'()*+,;=/-]|%[0-9A-Fa-f]{2}"
URL_PATTERN = (
    rf"(https?)://({_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f]{{0,4}}:[0-9A-Fa-f:.]{{1,45}}\])"
    rf"(?::([1-9][0-9]{{0,4}}))?(?:/(?:{_PART})*)?(?:\?(?:\?|{_PART})*)?"
)
_URL = re.compile(URL_PATTERN)
_NUMBER = re.compile(r"[0-9]+|0[Xx][0-9A-Fa-f]*")
_PREFIX = "whsec_"
SECRET_PATTERN = _PREFIX + r"[A-Za-z0-9+/]{32,88}={0,2}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """A webhook as it was asked for. `secret` None: one is made."""

    url: str
    secret: str | None = None
    types: tuple[EventType, ...] = ()
    record_types: tuple[str, ...] = ()


def create_webhook(tx: Transaction, new: NewWebhook, *, loopback: bool) -> Webhook:
    """Every event it wants is told to it from now on.

    Args:
        loopback: http to this machine is allowed: the demo.

    Raises:
        Unprocessable: names every problem.
        Conflict: there are too many.
    """
    known = tx.catalogue().types
    problems = [_problem_of_url(new.url, loopback=loopback), _problem_of_secret(new.secret)]
    if unknown := [one_line(name, 64) for name in new.record_types if name not in known]:
        problems.append(
            f"record_types names {unknown[0]!r}, which is none. There are: {', '.join(known) or 'none yet'}."
        )
    if told := [problem for problem in problems if problem]:
        raise Unprocessable(" ".join(told))
    if len(tx.webhooks()) >= MAX_WEBHOOKS:
        raise Conflict(f"There are {MAX_WEBHOOKS} webhooks already.", next_step="Delete one that nobody needs.")
    webhook = Webhook(
        id=str(ULID.from_timestamp(tx.now / 1_000_000)),
        url=new.url,
        secrets=(Secret(text=new.secret or make_secret()),),
        types=tuple(dict.fromkeys(new.types)),
        record_types=tuple(dict.fromkeys(new.record_types)),
        created_at=tx.now,
    )
    tx.put_webhook(webhook)
    return webhook


def list_webhooks(tx: Transaction) -> list[tuple[Webhook, WebhookStatus]]:
    """All of them, in the order of creation."""
    return [(webhook, tx.webhook_status(webhook.id)) for webhook in tx.webhooks()]


def get_webhook(tx: Transaction, webhook_id: str) -> tuple[Webhook, WebhookStatus]:
    """
    Raises:
        NotFound: there is none with this id.
    """
    return _existing(tx, webhook_id), tx.webhook_status(webhook_id)


def delete_webhook(tx: Transaction, webhook_id: str) -> None:
    """What it was still owed is not told any more.

    Raises:
        NotFound: there is none with this id.
    """
    if not tx.remove_webhook(webhook_id):
        raise _no_webhook(webhook_id)


def replace_secret(tx: Transaction, webhook_id: str, secret: str | None) -> Webhook:
    """Sign with this secret, or a new one; for a day with the current one as well. The same again changes nothing.

    Raises:
        NotFound: there is no such webhook.
        Unprocessable: it is no secret.
    """
    webhook = _existing(tx, webhook_id)
    if problem := _problem_of_secret(secret):
        raise Unprocessable(problem)
    current = webhook.secrets[0]
    if secret == current.text:
        return webhook
    # The one before, if a rotation is still on, ends here: who rotates twice in a day gave up on it.
    pair = (Secret(text=secret or make_secret()), replace(current, until=tx.now + ROTATION))
    webhook = replace(webhook, secrets=pair)
    tx.put_webhook(webhook)
    return webhook


def replay_webhook(tx: Transaction, webhook_id: str) -> int:
    """Send what was given up, and all that waits, now; a disabled webhook is active again. How many were given up.

    Raises:
        NotFound: there is no such webhook.
    """
    webhook = _existing(tx, webhook_id)
    if webhook.state is WebhookState.DISABLED:
        tx.put_webhook(replace(webhook, state=WebhookState.ACTIVE))
    return tx.replay_events(webhook_id)


def given_up(tx: Transaction, webhook_id: str, *, limit: int) -> list[ParkedEvent]:
    """The events that were given up, in the order in which they happened.

    Raises:
        NotFound: there is no such webhook.
    """
    _existing(tx, webhook_id)
    return tx.parked_events(webhook_id, limit=limit)


def make_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _existing(tx: Transaction, webhook_id: str) -> Webhook:
    webhook = tx.webhook(webhook_id)
    if webhook is None:
        raise _no_webhook(webhook_id)
    return webhook


def _no_webhook(webhook_id: str) -> NotFound:
    return NotFound(f"There is no webhook {one_line(webhook_id, 64)!r}.", next_step="GET /api/v1/webhooks lists them.")


def _problem_of_secret(secret: str | None) -> str | None:
    if secret is None:
        return None
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    # Written back it must be the same: else two programs could read two keys in it.
    if MIN_SECRET <= len(key) <= MAX_SECRET and secret == _PREFIX + base64.b64encode(key).decode():
        return None
    return (
        f"secret must be {_PREFIX} and {MIN_SECRET} to {MAX_SECRET} random bytes in base64, with its padding. "
        "Leave it out, and one is made."
    )


def _problem_of_url(url: str, *, loopback: bool) -> str | None:
    """What a name resolves to is looked at whenever something is sent (`bot.webhooks.session`), not here."""
    found = _URL.fullmatch(url)
    if found is None or len(url) > MAX_URL or len(found[2]) > MAX_HOST or int(found[3] or 0) > 65535:
        return (
            f"url must be an address such as https://hooks.example.com/path, in ASCII, of at most {MAX_URL} "
            "characters, without a user name and without #."
        )
    scheme, host = found[1], found[2].lower()
    here = host == "localhost" or host.endswith(".localhost") or is_loopback(host.strip("[]"))
    if scheme == "http":
        allowed = " In the demo, http may lead to this machine, such as http://127.0.0.1:8000/." if loopback else ""
        return None if loopback and here else f"url is http, which anybody on the way can read. Use https.{allowed}"
    if here or (_is_number(host) and not is_public(host.strip("[]"))):
        return (
            "url leads to an address that is not one of the public internet. "
            "Use a name or an address that can be reached from there."
        )
    return None


def _is_number(host: str) -> bool:
    """Whether it is an address, in whatever way it is written: `0x7f.1` and `2130706433` are loopback to many."""
    return host.startswith("[") or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None
