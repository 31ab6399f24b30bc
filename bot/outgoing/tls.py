"""Whom the program's outgoing connections trust."""

from __future__ import annotations

import ssl


def trust_in(certificates: str = "") -> ssl.SSLContext:
    """A client's TLS context, for all sessions of the program: to read the system's authorities takes 45 ms.

    Args:
        certificates: a file of the authorities to trust; "": the system's, or those SSL_CERT_FILE names.
    """
    context = ssl.create_default_context(cafile=certificates or None)
    context.set_alpn_protocols(["http/1.1"])  # as aiohttp's own: a server that prefers HTTP/2 must not choose it
    return context
