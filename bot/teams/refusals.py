"""What a connector's refusal means.

Source: learn.microsoft.com "Build conversational capability", status codes from bot conversational APIs and their
retry guidance. The connector's own text is never repeated: it may hold what people wrote.
"""

from __future__ import annotations

import re
import time
from typing import Any

from bot.domain.retry_after import seconds_until
from bot.errors import ChatGone, ChatUnreachable, SendFailed

REPEATABLE = frozenset({412, 429, 502, 503, 504})
"""Worth sending again at once; every other status is final for the moment."""

_REASON = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,63}", re.ASCII)
_NOT_THE_CHAT = frozenset({"InvalidBotApiHost", "NotEnoughPermissions"})
_NEXT = {
    400: "This is a defect of this program: report it with the status and the code above.",
    401: "Check that APP_ID, APP_PASSWORD and APP_TENANTID are those of the bot's registration.",
    403: "An admin can look whether the app is allowed, and whether CLOUD is the tenant's cloud.",
    413: "Show less: fewer fields, or shorter ones.",
    429: "It is sent again later.",
}


def refusal(status: int, answer: Any, *, method: str, retry_after: str | None) -> SendFailed:
    """The error for an answer that is not 2xx.

    Args:
        answer: the body as JSON, whatever it is; None when it was none.
        retry_after: the header.
    """
    reason = _reason(answer)
    said = f"{status} {reason}".strip()
    if status == 403 and reason and reason not in _NOT_THE_CHAT:
        return ChatUnreachable(
            f"The bot may not speak in this chat ({said}): it was removed, blocked or disabled. "
            "Somebody can add it to the chat again.",
            status=status,
            reason=reason,
        )
    if status == 404 and reason == "ConversationNotFound":
        return ChatGone(
            f"The chat does not exist any more ({said}). Connect another chat.", status=status, reason=reason
        )
    return SendFailed(
        f"The connector answered {said}. {_next_step(status)}",
        status=status,
        reason=reason,
        # 401 is our own credentials, which an operator can repair while the message waits.
        retryable=status in REPEATABLE or status == 401,
        # The guidance has 502, 503 and 504 sent again; an internal error it does not, and who knows how far it came.
        ambiguous=method == "POST" and status >= 500 and status not in REPEATABLE,
        retry_after=seconds_until(retry_after, now=time.time_ns() // 1000),
    )


def _next_step(status: int) -> str:
    if 300 <= status < 400:
        return "A connector does not redirect, so the redirect was not followed: check CONNECTOR_HOSTS."
    if status >= 500 or status == 412:
        return "Microsoft's side has a problem: it may pass, else look at the service health page."
    return _NEXT.get(status, "The message or the chat it replies in may be gone.")


def _reason(answer: Any) -> str:
    """The connector's code, `{"error": {"code": ...}}`; "" when there is none that can be trusted to be one."""
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _REASON.fullmatch(code) else ""
