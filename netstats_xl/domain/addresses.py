"""Hosts as a user writes them: one address or name, or a block of addresses that stands for many."""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

MOST_ADDRESSES = 65_536
"""The largest block that is expanded: an IPv4 /16."""

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣-", "-"))
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?", re.IGNORECASE)
_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]+):(?P<port>\d{1,5})")
_DOTTED_NUMBERS = re.compile(r"[\d.]+")
_EXAMPLE = "for example 192.0.2.10, 2001:db8::10 or server.example.com"


class _Range(NamedTuple):
    first: IPv4Address | IPv6Address
    last: IPv4Address | IPv6Address


def is_block(text: str) -> bool:
    """Whether the text is meant as a block or a range, valid or not: `10.0.0.0/28`, `10.0.0.1-20`."""
    cleaned = _cleaned(text)
    head, slash, _ = cleaned.partition("/")
    if slash:
        return _address(head) is not None
    head, dash, _ = cleaned.partition("-")
    return bool(dash) and _address(head) is not None


def expand(text: str) -> tuple[str, ...]:
    """The addresses of a CIDR block, a range or a single address, ascending.

    A block stands for its usable hosts: an IPv4 block down to /30 without its network and broadcast
    addresses, an IPv6 block down to /126 without its subnet-router anycast address (RFC 4291, 2.6.1). Host
    bits that are set in a block (`10.0.0.5/28`) are ignored. A range is `10.0.0.1-20`, `10.0.0.1-10.0.0.20`
    or `fe80::1-fe80::ff`.

    Raises:
        ValueError: in plain words, what is wrong and what would be right.
    """
    cleaned = _cleaned(text)
    if "/" in cleaned:
        return _expand_block(cleaned)
    if (single := _address(cleaned)) is not None:
        return (str(single),)
    if "-" in cleaned:
        first, last = _range(cleaned)
        count = int(last) - int(first) + 1
        _refuse_too_many(count)
        return tuple(str(first + offset) for offset in range(count))
    raise ValueError("this is no address, block or range: write for example 10.0.0.0/28 or 10.0.0.1-20")


def parse_host(text: str) -> str:
    """The text as one host: an IP address in canonical form, with its scope ID, or a host name as written.

    Host names follow RFC 1123 with underscores allowed; a name with other letters must have an IDNA form. What else
    a host cell may say, `domain.endpoints` knows.

    Raises:
        ValueError: in plain words, what is wrong and what would be right.
    """
    host = text.translate(_DASHES).strip()
    if not host:
        raise ValueError(f"the host is blank: write an IPv4 or IPv6 address or a host name, {_EXAMPLE}")
    if (address := _address(host)) is not None:
        return _single_host(address)
    _refuse_what_is_no_host(host)
    _refuse_bad_name(host)
    return host


def _cleaned(text: str) -> str:
    return "".join(text.translate(_DASHES).split())


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _expand_block(text: str) -> tuple[str, ...]:
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(
            "this is no CIDR block: write an address and a prefix length, for example 10.0.0.0/28 "
            "or 2001:db8::/120"
        ) from error
    if isinstance(network, IPv6Network) and network.network_address.scope_id:
        raise ValueError(
            "a block cannot have a scope ID: write its addresses one by one, for example fe80::1%eth0"
        )
    _refuse_too_many(network.num_addresses)
    return tuple(str(address) for address in network.hosts())


def _range(text: str) -> _Range:
    head, _, tail = text.partition("-")
    first, last = _address(head), _address(tail)
    if isinstance(first, IPv4Address) and tail.isascii() and tail.isdigit():
        last = _address(f"{head.rpartition('.')[0]}.{tail}")
    if first is None or last is None or first.version != last.version:
        raise ValueError(
            "this is no range: write its first and its last address, for example 10.0.0.1-20, "
            "10.0.0.1-10.0.1.20 or 2001:db8::1-2001:db8::20"
        )
    if "%" in text:
        raise ValueError(
            "a range cannot have a scope ID: write its addresses one by one, for example fe80::1%eth0"
        )
    if int(last) < int(first):
        raise ValueError(f"the range ends before it begins: write {last}-{first}")
    return _Range(first, last)


def _refuse_too_many(count: int) -> None:
    if count > MOST_ADDRESSES:
        shown = f"{count:,}" if count < 10**12 else f"2^{count.bit_length() - 1}"
        raise ValueError(
            f"this stands for {shown} addresses; at most {MOST_ADDRESSES:,} are expanded: use a smaller one"
        )


def _single_host(address: IPv4Address | IPv6Address) -> str:
    if address.is_unspecified:
        raise ValueError(f"{address} stands for no host: write the address of one host, {_EXAMPLE}")
    if address.is_multicast:
        raise ValueError(f"{address} is a multicast group, not one host: write the address of one host")
    if address == IPv4Address("255.255.255.255"):
        raise ValueError(f"{address} is the broadcast address, not one host: write the address of one host")
    return str(address)


def _refuse_what_is_no_host(host: str) -> None:
    """Refuse the usual mistakes, each with what would be right."""
    if "://" in host:
        name = host.partition("://")[2].partition("/")[0].rpartition("@")[2]
        name = port["host"] if (port := _PORT.fullmatch(name)) else name
        raise ValueError(f"this is a web address: write the host only{_if_any(name)}")
    if is_block(host):
        raise ValueError(
            "this stands for several addresses: expand it, which makes a row of each of them, or write one "
            "address here"
        )
    if re.search(r"[,;\s]", host):
        raise ValueError(
            "there is a space or a separator in it: write one host, and give each further one its own row"
        )
    if host.startswith("[") and host.endswith("]"):
        raise ValueError(f"write an IPv6 address without brackets{_if_any(host[1:-1])}")
    if port := _PORT.fullmatch(host):
        raise ValueError(
            f"a port does not belong to a ping: write tcp://{port['host']}:{port['port']} to probe the port, or the "
            f"host only{_if_any(port['host'].strip('[]'))}"
        )
    if "/" in host or "\\" in host:
        name = re.split(r"[/\\]", host)[0]
        raise ValueError(f"a path does not belong here: write the host only{_if_any(name)}")
    if "@" in host:
        raise ValueError(
            f"a user name does not belong here: write the host only{_if_any(host.rpartition('@')[2])}"
        )
    if ":" in host:
        raise ValueError(
            "this looks like an IPv6 address, but is none: it has up to eight groups such as 2001:db8::10"
        )
    if _DOTTED_NUMBERS.fullmatch(host):
        raise ValueError(
            "this looks like an IPv4 address, but is none: it has four numbers from 0 to 255 without "
            "leading zeros, for example 192.0.2.10"
        )


def _if_any(host: str) -> str:
    return f", {host}" if host else ""


def _refuse_bad_name(host: str) -> None:
    labels = host.removesuffix(".").split(".")
    if "" in labels:
        raise ValueError(f"a host name has no empty part between its dots: write it {_EXAMPLE}")
    ascii_labels = [_ascii_label(label) for label in labels]
    for label, in_ascii in zip(labels, ascii_labels, strict=True):
        if len(in_ascii) > 63:
            raise ValueError("a part of a host name between dots has at most 63 characters: shorten it")
        if not _LABEL.fullmatch(in_ascii):
            raise ValueError(
                f"{label!r} cannot stand in a host name: its parts have letters, digits, hyphens and "
                "underscores, and neither begin nor end with a hyphen"
            )
    if len(".".join(ascii_labels)) > 253:
        raise ValueError("a host name has at most 253 characters: shorten it")
    if ascii_labels[-1].isdigit():
        raise ValueError(f"the last part of a host name is no number: write it {_EXAMPLE}")


def _ascii_label(label: str) -> str:
    """The label as DNS carries it (IDNA); an ASCII label is left alone."""
    if label.isascii():
        return label
    try:
        return label.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(
            f"{label!r} has characters that cannot stand in a host name: write it {_EXAMPLE}"
        ) from error
