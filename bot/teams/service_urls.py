"""Which addresses the bot may speak to: asked when an activity comes in, and again whenever something is sent."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

MAX_URL = 1024

# No user, query, fragment, backslash, escape or control character can match, so two parsers can't read it differently.
_SERVICE_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:(?P<port>[0-9]{1,5}))?(/[a-z0-9._~/-]*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ServiceUrls:
    """The connectors this bot trusts with its token.

    Attributes:
        hosts: exact names, lower case, on any port; https only.
        loopback: the demo: this machine and nothing else, http or https, instead of `hosts`.
    """

    hosts: frozenset[str]
    loopback: bool = False

    def allows(self, url: str) -> bool:
        """Whether `url` is a serviceUrl of a connector that may be spoken to."""
        match = _SERVICE_URL.fullmatch(url) if len(url) <= MAX_URL else None
        if match is None or not 0 < int(match["port"] or 443) < 65536 or ".." in url:
            return False
        host = match["host"].lower()
        if self.loopback:
            return _is_loopback(host)
        return match["scheme"].lower() == "https" and host in self.hosts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
