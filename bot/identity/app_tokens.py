"""Obtaining the tokens the bot speaks with. The only place with MSAL.

MSAL blocks: its constructor and every call may ask the login server, so both happen in a thread, and rarely.
Source: learn.microsoft.com "Authentication with the Bot Connector API", bot to connector; "OAuth 2.0 client
credentials flow"; msal-python's documentation of `ClientApplication`.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msal
import requests
import structlog

from bot.config import Settings
from bot.errors import SendFailed
from bot.identity.keys import SECOND
from bot.ports import Clock

REFRESH_BEFORE = 10 * 60 * SECOND
UNUSABLE_BEFORE = 60 * SECOND
RETRY_PAUSE = 5 * SECOND
KEPT_AFTER_401 = 60 * SECOND
LOGIN_TIMEOUT = 10.0

_AADSTS = re.compile(r"AADSTS\d+")
_REMEDIES = {
    "AADSTS7000222": "APP_PASSWORD has expired: make a new client secret in the bot's registration and set it",
    "AADSTS7000215": "APP_PASSWORD is wrong: copy the secret's value, not its id, from the bot's registration",
    "AADSTS700016": "APP_ID is not known in this tenant: check APP_ID and APP_TENANTID",
    "AADSTS7000229": "the app has no service principal in this tenant: check APP_TENANTID and the registration",
    "AADSTS7000112": "the app is disabled: enable it in the Entra admin center",
    "AADSTS90002": "the tenant does not exist in this cloud: check APP_TENANTID and CLOUD",
    "AADSTS900023": "the tenant does not exist in this cloud: check APP_TENANTID and CLOUD",
    "AADSTS500011": "the Bot Framework is not known to this cloud or tenant: check CLOUD",
}
_CHECK_REGISTRATION = "check APP_ID, APP_PASSWORD, APP_TENANTID and CLOUD against the bot's registration"
_CHECK_NETWORK = (
    "check LOGIN_URL, the network, and REQUESTS_CA_BUNDLE or SSL_CERT_FILE where the certificate is your own"
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    """A token and its times, in microseconds since the epoch."""

    value: str
    obtained: int
    refresh_at: int
    expires: int


class AppToken:
    """The bot's own token for one audience, obtained once and kept in memory.

    A call with a valid token never waits: ten minutes before the end (or at half its life, if that is later) the
    next call starts a refresh in the background and goes on with the old one. All who must wait share one request;
    after a failure the login server is left alone for a few seconds.

    Args:
        ask: asks the login server for a token and returns its answer; blocks, so it runs in a thread.
    """

    def __init__(self, scope: str, *, ask: Callable[[str], dict[str, Any]], clock: Clock) -> None:
        self._scope = scope
        self._ask = ask
        self._clock = clock
        self._token: _Token | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._failure = ""
        self._failed_at: int | None = None

    async def get(self) -> str:
        """The token.

        Raises:
            SendFailed: there is no valid one and the login server gives none; retryable, and says what to check.
        """
        token, now = self._token, self._clock()
        if token is not None and now < token.refresh_at:
            return token.value
        refreshing = self._refresh(now)
        if token is not None and now < token.expires - UNUSABLE_BEFORE:
            return token.value
        if refreshing is not None:
            await asyncio.shield(refreshing)  # a caller that gives up must not end what others wait for
        token = self._token
        if token is not None and self._clock() < token.expires:
            return token.value
        raise SendFailed(f"The bot has no token to speak with: {self._failure}.", retryable=True)

    def invalidate(self) -> None:
        """The audience answered 401: the next call obtains another token.

        One younger than a minute stays: another would be refused too, and each message would cost a token call.
        """
        if self._token is not None and not 0 <= self._clock() - self._token.obtained < KEPT_AFTER_401:
            self._token = None

    async def close(self) -> None:
        """Stop waiting for a refresh; its thread ends by itself, after `LOGIN_TIMEOUT` at the latest."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    def _refresh(self, now: int) -> asyncio.Task[None] | None:
        """The refresh that is under way, else a new one; None shortly after a failure."""
        if self._refreshing is None and (self._failed_at is None or not 0 <= now - self._failed_at < RETRY_PAUSE):
            self._refreshing = asyncio.create_task(self._replace_token())
        return self._refreshing

    async def _replace_token(self) -> None:
        asked = self._clock()
        try:
            token = _token(await asyncio.to_thread(self._ask, self._scope), asked)
        except SendFailed as error:
            self._failure = str(error)
        except (requests.RequestException, OSError) as error:
            self._failure = f"the login server can't be reached ({type(error).__name__}); {_CHECK_NETWORK}"
        except Exception as error:  # what the server says makes MSAL raise anything: ValueError, KeyError, its own
            self._failure = f"the login server refused ({type(error).__name__}); {_remedy(str(error))}"
        else:
            self._token, self._failed_at = token, None
            return
        finally:
            self._refreshing = None
        self._failed_at = self._clock()
        _log.warning("no new token of the bot", scope=self._scope, reason=self._failure)


class AppTokens:
    """The bot's own tokens: one for each audience, so that one which is refused is renewed alone.

    Attributes:
        bot: the token for the connector.
    """

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._application: msal.ConfidentialClientApplication | None = None
        self._making = threading.Lock()
        self._tokens: dict[str, AppToken] = {}
        self.bot = self.of(settings.microsoft.bot_scope)

    def of(self, scope: str) -> AppToken:
        """The token for the audience of this scope, such as `https://api.botframework.com/.default`."""
        if scope not in self._tokens:
            self._tokens[scope] = AppToken(scope, ask=self._ask, clock=self._clock)
        return self._tokens[scope]

    async def close(self) -> None:
        """Stop waiting for refreshes; see `AppToken.close`."""
        for token in self._tokens.values():
            await token.close()

    def _ask(self, scope: str) -> dict[str, Any]:
        """Ask the login server; runs in a thread, never in two at once for the same scope."""
        with self._making:
            if self._application is None:
                self._application = _application(self._settings)
        return self._application.acquire_token_for_client([scope]) or {}


def _application(settings: Settings) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        settings.bot_id,
        client_credential=settings.app_password.get_secret_value(),
        authority=f"{settings.microsoft.login_url}/{settings.tenant}",
        # Else MSAL asks login.microsoftonline.com about every authority it does not know.
        instance_discovery=False,
        http_client=_LoginSession(settings),
        token_cache=_NoCache(),
    )


class _NoCache(msal.TokenCache):
    """Keeps nothing. MSAL would answer with the token that is to be replaced, and can only forget those of all
    audiences together (`remove_tokens_for_client`)."""

    def add(self, event: dict[str, Any], now: float | None = None) -> None:
        pass


class _LoginSession(requests.Session):
    """Speaks to the login server and nobody else: a redirect would carry the secret along."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._login = _origin(settings.microsoft.login_url)
        self._certificates = settings.requests_ca_bundle or settings.ssl_cert_file or True

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # pyright: ignore[reportIncompatibleMethodOverride]
        if _origin(url) != self._login:
            raise SendFailed(f"the login server named an address on another host; {_CHECK_NETWORK}")
        options |= {"timeout": LOGIN_TIMEOUT, "allow_redirects": False, "verify": self._certificates}
        return super().request(method, url, **options)


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or 443


def _token(answer: dict[str, Any], asked: int) -> _Token:
    """Read the token endpoint's answer; `asked` is when it was asked, in microseconds.

    Raises:
        SendFailed: it is an error, or no token.
    """
    value, lifetime = answer.get("access_token"), int(answer.get("expires_in") or 0) * SECOND
    if not isinstance(value, str) or not value or lifetime <= 0:
        code = str(answer.get("error", "no token"))[:64]
        raise SendFailed(f"the login server refused ({code}); {_remedy(str(answer.get('error_description', '')))}")
    expires = asked + lifetime
    return _Token(
        value=value,
        obtained=asked,
        refresh_at=max(expires - REFRESH_BEFORE, asked + lifetime // 2),
        expires=expires,
    )


def _remedy(text: str) -> str:
    """What to check, from Microsoft's error code; the text itself may hold more than belongs in a log."""
    code = _AADSTS.search(text)
    if code is None:
        return _CHECK_REGISTRATION
    return f"{code.group()}: {_REMEDIES.get(code.group(), _CHECK_REGISTRATION)}"
