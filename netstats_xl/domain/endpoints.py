"""What a host cell asks to be probed: a host by ICMP echo, a TCP port, a name at a DNS server, or a web address."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from urllib.parse import parse_qsl, quote, urlsplit

from netstats_xl.domain.addresses import parse_host

DNS_PORT = 53
LONGEST_URL = 2_000
"""More than that many servers refuse."""

_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<slashes>/*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(?:\[(?P<ipv6>[^\[\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[^:]*))?")
_HTTP_PORTS = {"http": 80, "https": 443}
_SCHEMES = ("tcp", "dns", *_HTTP_PORTS)
_KINDS = (
    "write a host alone for pings, or tcp://server:443, dns://192.0.2.53?name=www.example.com, "
    "http://server/ or https://server/"
)


class RecordType(StrEnum):
    """What is asked of a DNS server."""

    A = "A"
    AAAA = "AAAA"
    CAA = "CAA"
    CNAME = "CNAME"
    MX = "MX"
    NS = "NS"
    PTR = "PTR"
    SOA = "SOA"
    SRV = "SRV"
    TXT = "TXT"


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoHost:
    """A host that is sent ICMP echo requests."""

    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpPort:
    """A port that is connected to."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsQuestion:
    """A name that a DNS server is asked for."""

    host: str
    """The server."""
    port: int
    name: str
    record_type: RecordType


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAddress:
    """A web address that is requested."""

    host: str
    port: int
    tls: bool
    target: str
    """Path and query as the request has them, percent-encoded; at least `/`."""


Endpoint = EchoHost | TcpPort | DnsQuestion | WebAddress


def is_echo(host: str) -> bool:
    """Whether a canonical text asks for ICMP echo. Cheap, for lists of thousands."""
    return "://" not in host


def parse_endpoint(text: str) -> Endpoint:
    """What a host cell asks to be probed.

    An address or a host name means ICMP echo, as `parse_host` has it. `tcp://host:443` means a TCP connection,
    `dns://server?name=www.example.com` a question (`&type=AAAA`; A by default; another port than 53 after the
    server), `http://` and `https://` a web address. An IPv6 address with a scheme stands in brackets.

    Raises:
        ValueError: in plain words, what is wrong and what would be right.
    """
    cleaned = text.strip()
    found = _SCHEME.fullmatch(cleaned)
    if found is None or (found["slashes"] != "//" and found["scheme"].casefold() not in _SCHEMES):
        return EchoHost(host=parse_host(text))
    scheme, rest = found["scheme"].casefold(), found["rest"]
    if scheme in _SCHEMES and found["slashes"] != "//":
        raise ValueError(f"two slashes belong after the colon: write {scheme}://{rest}")
    if re.search(r"[\s\x00-\x1f\x7f]", cleaned):
        raise ValueError("there is a space in it: write one host, and give each further one its own row")
    match scheme:
        case "tcp":
            return _tcp(rest)
        case "dns":
            return _dns(rest)
        case "http" | "https":
            return _web(scheme, rest)
        case _:
            raise ValueError(f"{found['scheme']}:// is no kind of probe: {_KINDS}")


def canonical(endpoint: Endpoint) -> str:
    """The text that stands for the endpoint; parsing it gives the same endpoint."""
    match endpoint:
        case EchoHost(host=host):
            return host
        case TcpPort(host=host, port=port):
            return f"tcp://{bracketed(host)}:{port}"
        case DnsQuestion(host=host, port=port, name=name, record_type=record_type):
            server = bracketed(host) + (f":{port}" if port != DNS_PORT else "")
            kind = f"&type={record_type}" if record_type is not RecordType.A else ""
            return f"dns://{server}?name={name}{kind}"
        case WebAddress(target=target):
            return f"{origin(endpoint)}{'' if target == '/' else target}"
        case _:
            assert_never(endpoint)


def canonical_host(text: str) -> str:
    """The canonical text of a host cell.

    Raises:
        ValueError: in plain words, what is wrong and what would be right.
    """
    return canonical(parse_endpoint(text))


def origin(address: WebAddress) -> str:
    """Scheme, host and port, the last unless it is the scheme's own."""
    scheme = "https" if address.tls else "http"
    port = f":{address.port}" if address.port != _HTTP_PORTS[scheme] else ""
    return f"{scheme}://{bracketed(address.host)}{port}"


def bracketed(host: str) -> str:
    """The host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def _tcp(rest: str) -> TcpPort:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host, port = _host_and_port(authority, "tcp://server:443")
    if port is None:
        raise ValueError(f"the port is missing: write for example tcp://{bracketed(host)}:443")
    if rest.removesuffix("/") != authority:
        raise ValueError(
            f"nothing stands after the port of a TCP probe: write tcp://{bracketed(host)}:{port}, or http:// or "
            "https:// in the place of tcp:// to request a page"
        )
    return TcpPort(host=host, port=port)


def _dns(rest: str) -> DnsQuestion:
    server, _, query = rest.partition("?")
    authority, _, path = server.partition("/")
    host, port = _host_and_port(authority, "dns://192.0.2.53?name=www.example.com")
    example = f"dns://{bracketed(host)}?name=www.example.com"
    fields = dict(parse_qsl(query, keep_blank_values=True))
    if path:
        raise ValueError(f"the name to ask for stands after ?name= : write for example {example}")
    unknown = [field for field in fields if field not in ("name", "type")]
    if unknown:
        raise ValueError(
            f"{unknown[0]!r} is not known here: name and type can be given, as in {example}&type=AAAA"
        )
    if not fields.get("name"):
        raise ValueError(f"the name to ask for is missing: write for example {example}")
    kind = fields.get("type", RecordType.A).upper()
    if kind not in RecordType.__members__:
        types = ", ".join(RecordType)
        raise ValueError(f"{kind!r} is no type of record that can be asked for: write one of {types}")
    try:
        name = parse_host(fields["name"])
    except ValueError as error:
        raise ValueError(f"the name to ask for: {error}") from error
    if ":" in name or name.replace(".", "").isdigit():
        raise ValueError(f"an address is no name to ask for: write for example {example}")
    return DnsQuestion(host=host, port=port or DNS_PORT, name=name, record_type=RecordType[kind])


def _web(scheme: str, rest: str) -> WebAddress:
    if len(rest) > LONGEST_URL:
        raise ValueError(f"a web address has at most {LONGEST_URL:,} characters here: shorten it")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    host, port = _host_and_port(authority, f"{scheme}://server/")
    if "%" in host:
        raise ValueError("a web address cannot have a scope ID: write a host name or an address without one")
    parts = urlsplit(f"{scheme}://host{rest[len(authority) :]}")
    # As browsers send it; what is encoded already stays so.
    target = quote(parts.path or "/", safe="/%!$&'()*+,;=:@~")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%!$&'()*+,;=:@~?[]")
    return WebAddress(host=host, port=port or _HTTP_PORTS[scheme], tls=scheme == "https", target=target)


def _host_and_port(authority: str, example: str) -> tuple[str, int | None]:
    """The host in canonical form, and the port if there is one."""
    if "@" in authority:
        raise ValueError(
            f"a user name does not belong here: leave out what stands before the @, as in {example}"
        )
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise ValueError(f"an IPv6 address stands in brackets before the port: {_in_brackets(authority)}")
    written = found["host"] if found["ipv6"] is None else found["ipv6"]
    if not written:
        raise ValueError(f"the host is missing: write for example {example}")
    host = parse_host(written)
    if found["ipv6"] is not None and ":" not in host:
        raise ValueError(f"only IPv6 addresses stand in brackets: write {host}")
    port = found["port"]
    if port is None:
        return host, None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535):
        raise ValueError(
            f"{port!r} is no port: write a number from 1 to 65535 after the colon, as in {example}"
        )
    return host, int(port)


def _in_brackets(authority: str) -> str:
    host, _, port = authority.strip("[]").rpartition(":")
    return f"[{host.strip('[]')}]:{port}" if host.count(":") > 1 else "for example [2001:db8::10]:443"
