"""Which addresses this program may be sent to by somebody else's word.

The rule is by the address itself, and by lists of our own: Python 3.11 calls some addresses global that are not
(`192.0.0.192`, multicast), and what it says changes between its releases.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

# IANA's registries of special-purpose addresses, whole blocks also where a few addresses in them are reachable.
_SPECIAL_4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network: Linux takes it for loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by a provider's customers; a cloud's metadata service is here
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own services for its machines, though the number is a public one
        "169.254.0.0/16",  # link-local; the metadata services of most clouds are here
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata service is here
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_UNICAST_6 = IPv6Network("2000::/3")  # whatever is global in IPv6 is in here: loopback, local and mapped ones are not
_SPECIAL_6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, Teredo: an IPv4 address is hidden in those
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address is hidden in those
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # leads to the IPv4 address in its last 32 bits


def is_public(address: str) -> bool:
    """Whether this is an address, written out, of the public internet: no name, no zone, no other way to write it."""
    found = _parse(address)
    if isinstance(found, IPv6Address):
        if found in _NAT64:
            found = IPv4Address(int(found) & 0xFFFFFFFF)
        else:
            return found in _UNICAST_6 and not any(found in block for block in _SPECIAL_6)
    return found is not None and not any(found in block for block in _SPECIAL_4)


def is_loopback(address: str) -> bool:
    """Whether this is an address, written out, of this machine alone."""
    found = _parse(address)
    return found is not None and found.is_loopback


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return IPv6Address(address) if ":" in address and "%" not in address else IPv4Address(address)
    except AddressValueError:
        return None
