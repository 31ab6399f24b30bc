"""Whom the tests' clients trust."""

from __future__ import annotations

from bot.outgoing.tls import trust_in

SYSTEM = trust_in()
"""The system's authorities, read once for all tests: in each world it would take half of its start. Read here, before
any test sets SSL_CERT_FILE."""
