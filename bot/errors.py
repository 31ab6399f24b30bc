"""The error tree.

`str(error)` is written for the person who reads it: what happened, why, and what to do next. `code` is a stable id for
operators and for programs (the REST API answers it as the problem's `type`).
"""

from __future__ import annotations

from collections.abc import Sequence


class ConnectChatsError(Exception):
    """Everything this program raises on purpose.

    Attributes:
        what: what happened and why.
        next_step: what to do about it, "" where `what` says it.
    """

    code = "error"

    def __init__(self, what: str, *, next_step: str = "") -> None:
        super().__init__(f"{what} {next_step}".strip())
        self.what = what
        self.next_step = next_step


class SettingsInvalid(ConnectChatsError):
    """The configuration can't be used; `problems` names every one of them, each with its remedy."""

    code = "settings-invalid"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


# What a caller did wrong -------------------------------------------------------------------------------------------


class Invalid(ConnectChatsError):
    """The request can't be understood (HTTP 400)."""

    code = "invalid"


class Unprocessable(Invalid):
    """The request is well-formed, but a value in it breaks a rule (HTTP 422)."""

    code = "unprocessable"


class StaleButton(Invalid):
    """The button of a card asks what can't be asked any more."""

    code = "stale-button"


class Unauthenticated(ConnectChatsError):
    """No credentials, or ones that prove nothing (HTTP 401)."""

    code = "unauthenticated"


class Forbidden(ConnectChatsError):
    """Good credentials that may not do this (HTTP 403)."""

    code = "forbidden"


class NotFound(ConnectChatsError):
    """There is no such thing, or the caller may not know of it: we never say which (HTTP 404)."""

    code = "not-found"


class RecordNotFound(NotFound):
    """No such record, or one the person may not read."""

    code = "record-not-found"


class NotAllowed(Forbidden):
    """The person may read the record, but what they asked for needs more."""

    code = "not-allowed"


class Unanswered(NotAllowed):
    """Whoever knows what the person may do did not say in time, and no answer means no."""

    code = "unanswered"


class Conflict(ConnectChatsError):
    """The state of things does not permit it now (HTTP 409)."""

    code = "conflict"


class PreconditionFailed(ConnectChatsError):
    """`If-Match` names another version than the current one (HTTP 412)."""

    code = "precondition-failed"


class TooLarge(ConnectChatsError):
    """The body is over the cap (HTTP 413)."""

    code = "too-large"


class UnsupportedMediaType(ConnectChatsError):
    """The body is not JSON (HTTP 415)."""

    code = "unsupported-media-type"


class Unavailable(ConnectChatsError):
    """It can't be taken now; the same request may succeed later (HTTP 503)."""

    code = "unavailable"


# What happened while sending ---------------------------------------------------------------------------------------


class SendFailed(ConnectChatsError):
    """A message was not delivered.

    Attributes:
        status: the HTTP status the connector answered, 0 when it did not answer.
        reason: the connector's own error code (`BotNotInConversationRoster`), "" when it gave none.
        retryable: the same request may succeed later.
        ambiguous: the request was sent and no answer came: it may have been delivered all the same.
        retry_after: seconds the connector asked to wait, if it did.
    """

    code = "send-failed"

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        retryable: bool = False,
        ambiguous: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retryable = retryable
        self.ambiguous = ambiguous
        self.retry_after = retry_after


class ChatUnreachable(SendFailed):
    """The bot may not speak in this chat any more (403): it was removed or blocked."""

    code = "chat-unreachable"


class ChatGone(SendFailed):
    """The chat does not exist any more (404)."""

    code = "chat-gone"


class ReceiverGone(SendFailed):
    """A webhook's receiver wants no more events (410)."""

    code = "receiver-gone"
