"""Which domains the app claims links of, and which of them look wrong."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from bot.domain.catalogue import Catalogue

RESERVED = (
    *("test", "example", "invalid", "localhost"),  # RFC 2606
    *("example.com", "example.net", "example.org"),
    *("local", "internal", "home.arpa"),  # RFC 6762, ICANN 2024, RFC 8375
)
"""Domains that lead nowhere, or nowhere outside one network."""

MICROSOFT = {
    "dynamics.com": "Dynamics 365",
    "dev.azure.com": "Azure DevOps",
    "visualstudio.com": "Azure DevOps",
    "sharepoint.com": "SharePoint",
    "powerbi.com": "Power BI",
}
"""Domains whose links Microsoft's own apps for Teams unfurl."""


def link_domains(catalogue: Catalogue) -> list[str]:
    """The hosts of all link patterns, each once, sorted. A type that is switched off keeps its own: it is explained."""
    return sorted({pattern.site.host for pattern in catalogue.links})


def warnings(domains: list[str]) -> list[str]:
    """What an admin should look at before they upload the package, in words."""
    return [warning for domain in domains if (warning := _warning(domain))]


def _warning(domain: str) -> str | None:
    if _is_address(domain):
        return f"{domain} is an address, not a name: Teams unfurls links by domain name. Give the record system one."
    if _within(domain, RESERVED) or "." not in domain:
        return (
            f"{domain} is not a domain that Teams can know: its links will not become cards. "
            "Correct the link patterns, then build the package again."
        )
    if claimed := _within(domain, MICROSOFT):
        return (
            f"{domain} is also claimed by Microsoft's {MICROSOFT[claimed]} app: where a person has both, nobody can "
            "say which of them answers a link. Block that app for these people in the Teams admin center."
        )
    return None


def _within(domain: str, parents: Collection[str]) -> str | None:
    """The first of `parents` that is the domain or above it."""
    labels = domain.split(".")
    above = (".".join(labels[start:]) for start in range(len(labels)))
    return next((parent for parent in above if parent in parents), None)


def _is_address(domain: str) -> bool:
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        return False
    return True
