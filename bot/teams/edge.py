"""The gate: who may speak here, and whether what they say is an activity. Nothing of the SDK is reached before it.

The stock SDK accepts or fails on many of these cases; each check here has a test that sends the case over the wire.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.domain.documents import NotAnObject, compact, read_object
from bot.errors import Forbidden, Invalid
from bot.ports import Json

CHANNEL = "msteams"
MAX_DEPTH = 64
MAX_ID = 1024
ANONYMOUS_QUERY = "composeExtension/anonymousQueryLink"

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_NUL = b"\\u0000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who a validated token says is speaking. In the demo there is none: `service_url` and `endorsements` are None."""

    service_url: str | None = None
    endorsements: frozenset[str] | None = None


def parse(body: bytes) -> Json:
    """The activity in a request's body, its shape checked.

    Raises:
        Invalid: not JSON, not an object, too deep, or a member that we read has the wrong type.
    """
    try:
        activity = read_object(body, repeats=True)
    except NotAnObject as error:
        raise Invalid(f"The body {error}.", next_step="Send a Bot Framework activity.") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _deeper_than(activity, MAX_DEPTH):
        raise Invalid(
            f"The body is nested more than {MAX_DEPTH} levels deep.", next_step="Send a Bot Framework activity."
        )
    if _NUL in body or (_SURROGATE.search(body) and not _encodable(activity)):
        raise Invalid("The body holds characters that no text can hold.", next_step="Send a Bot Framework activity.")
    _check_shape(activity)
    return activity


def _encodable(activity: Json) -> bool:
    try:
        compact(activity).encode()
    except UnicodeEncodeError:
        return False
    return True


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _check_shape(activity: Json) -> None:
    kind = activity.get("type")
    if not isinstance(kind, str) or not 0 < len(kind) <= 64:
        raise Invalid("This is no activity: it has no type.", next_step="Send a Bot Framework activity.")
    _check_members(activity)
    _check_accounts(activity)
    if activity.get("name") != ANONYMOUS_QUERY:
        _check_addresses(activity)


def _check_members(activity: Json) -> None:
    for name in ("id", "serviceUrl", "channelId", "name", "text", "textFormat", "deliveryMode", "action", "topicName"):
        _expect(activity, name, str, "text")
    for name in ("from", "conversation", "recipient", "channelData"):
        _expect(activity, name, dict, "an object")
    for name in ("attachments", "entities", "membersAdded", "membersRemoved"):
        _expect(activity, name, list, "a list")
        if not all(isinstance(item, dict) for item in activity.get(name) or ()):
            raise Invalid(f"This is no activity: {name} must hold objects.")
    if len(activity.get("id") or "") > MAX_ID:
        raise Invalid("This is no activity: its id is too long.")


def _check_accounts(activity: Json) -> None:
    for name in ("from", "conversation", "recipient"):
        _check_account(activity.get(name) or {}, name)
    for name in ("membersAdded", "membersRemoved"):
        for member in activity.get(name) or ():
            _check_account(member, name)
            if not member.get("id"):
                raise Invalid(f"This is no activity: {name} holds somebody without an id.")


def _check_addresses(activity: Json) -> None:
    """Where it comes from and, for what is answered, from whom."""
    kind = activity["type"]
    if kind in ("message", "invoke", "conversationUpdate", "installationUpdate"):
        if not (activity.get("conversation") or {}).get("id"):
            raise Invalid("This is no activity: it names no conversation.")
        if kind in ("message", "invoke") and not (activity.get("from") or {}).get("id"):
            raise Invalid("This is no activity: it doesn't say whom it is from.")


def _expect(activity: Json, name: str, kind: type, words: str) -> None:
    value = activity.get(name)
    if value is not None and not isinstance(value, kind):
        raise Invalid(f"This is no activity: {name} must be {words}.")


def _check_account(account: Json, where: str) -> None:
    for name in ("id", "name", "aadObjectId", "tenantId", "conversationType", "userRole"):
        value = account.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > MAX_ID):
            raise Invalid(f"This is no activity: {name} of {where} must be text.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Which activities may come in.

    Attributes:
        tenant: the one organisation this bot serves, lower case; None in the demo, where everybody counts as it.
        service_url_allowed: whether the bot may answer there (the same rule holds again when it sends).
    """

    tenant: str | None
    service_url_allowed: Callable[[str], bool]

    def admit(self, activity: Json, caller: Caller) -> None:
        """Let the activity in.

        Raises:
            Invalid: it names no serviceUrl.
            Forbidden: good credentials, but another channel, serviceUrl, host or tenant.
        """
        if activity.get("channelId") != CHANNEL:
            raise Forbidden(
                "This bot speaks in Microsoft Teams only.", next_step="The activity's channelId must be msteams."
            )
        if caller.endorsements is not None and CHANNEL not in caller.endorsements:
            raise Forbidden("The key that signed the token does not vouch for Microsoft Teams.")
        service_url = activity.get("serviceUrl")
        if not service_url:
            raise Invalid("This is no activity: it has no serviceUrl.")
        if caller.endorsements is not None and caller.service_url != service_url:
            raise Forbidden("The token was issued for another serviceUrl.")
        if not self.service_url_allowed(service_url):
            raise Forbidden(
                "The activity's serviceUrl is not a place this bot answers to.",
                next_step="An operator can list more hosts in CONNECTOR_HOSTS.",
            )
        if self.tenant is not None and activity.get("name") != ANONYMOUS_QUERY:
            self._check_tenant(activity)

    def _check_tenant(self, activity: Json) -> None:
        channel_tenant = (activity.get("channelData") or {}).get("tenant")
        named = [
            (activity.get("conversation") or {}).get("tenantId"),
            channel_tenant.get("id") if isinstance(channel_tenant, dict) else None,
        ]
        tenants = {str(name).lower() for name in named if name is not None}
        if tenants != {self.tenant}:
            raise Forbidden("This bot serves another organisation.", next_step="An operator sets it as APP_TENANTID.")
