"""Which addresses webhooks may lead to: those of the public internet, written out, and nothing that hides another."""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from bot.domain.addresses import is_loopback, is_public

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "168.63.129.15",
    "192.0.1.1",
    "198.17.255.255",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2A00:1450:4001:81B::200E",
    "2400:cb00:2048:1::c629:d7a2",
    "64:ff9b::8.8.8.8",
    "64:ff9b::808:808",
]
REFUSED = {
    "this network": ["0.0.0.0", "0.0.0.1", "0.255.255.255"],
    "loopback": ["127.0.0.1", "127.1.2.3", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1"],
    "private": ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"],
    "shared": ["100.64.0.1", "100.100.100.200", "100.127.255.255"],
    "link-local": ["169.254.0.1", "169.254.169.254", "169.254.170.2", "fe80::1", "fe80::a9fe:a9fe", "febf::1"],
    "clouds' own": ["168.63.129.16", "192.0.0.192", "fd00:ec2::254"],
    "protocol assignments": ["192.0.0.1", "192.0.0.9", "192.0.0.170", "2001::1", "2001:2::1", "2001:10::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "3fff:fff:ffff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.254", "255.255.255.255", "::", "4000::1", "5f00::1", "100::1", "8000::1"],
    "local in IPv6": ["fc00::1", "fd12:3456:789a::1", "fec0::1"],
    "another inside: mapped": ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"],
    "another inside: compatible": ["::127.0.0.1", "::8.8.8.8"],
    "another inside: 6to4": ["2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "192.88.99.1"],
    "another inside: Teredo": ["2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "another inside: NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8"],
    "other ways to write it": [
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "8.8.2056",
        "08.8.8.8",
        "8.8.8.8.",
        " 8.8.8.8",
        "8.8.8.8 ",
        "8.8.8.8/32",
        "８.8.8.8",
        "[2606:4700::1]",
        "2606:4700::1%eth0",
        "fe80::1%1",
        "2606:4700::1/64",
        "1::2::3",
        "12345::",
        ":",
    ],
    "no address": ["", "localhost", "example.com", "8.8.8.8.example.com", "user@8.8.8.8", "8.8.8.8:443", "\x00", "∞"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public_and_not_this_machine(address: str) -> None:
    assert is_public(address)
    assert not is_loopback(address)


@pytest.mark.parametrize("kind", REFUSED)
def test_everything_else_is_refused(kind: str) -> None:
    assert [address for address in REFUSED[kind] if is_public(address)] == []


def test_there_are_enough_forms() -> None:
    assert sum(map(len, REFUSED.values())) > 80


def test_loopback_is_what_only_this_machine_reaches() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.255.0.1", "::1")))
    others = [address for kind, group in REFUSED.items() if kind != "loopback" for address in group]
    assert [address for address in others if is_loopback(address)] == []


def test_nothing_is_public_that_python_calls_otherwise() -> None:
    """A hundred thousand addresses, half of them near what is special; Python's own list has gaps, but no surplus."""
    chance = random.Random(6890)
    corners = [ip_address(address) for group in (PUBLIC, *REFUSED.values()) for address in group if _is_plain(address)]
    seen = 0
    for number in range(100_000):
        corner = chance.choice(corners)
        bits = corner.max_prefixlen
        low = chance.getrandbits(chance.randrange(bits) + 1)
        value = (int(corner) ^ low) if number % 2 else chance.getrandbits(bits)
        address = IPv4Address(value) if bits == 32 else IPv6Address(value)
        if is_public(str(address)):
            seen += 1
            assert address.is_global, address
            assert not address.is_multicast, address
            assert getattr(address, "ipv4_mapped", None) is None, address
    assert seen > 10_000


def _is_plain(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return "%" not in address
