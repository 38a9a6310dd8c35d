"""What a host cell asks to be probed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from netstats_xl.domain.endpoints import (
    DnsQuestion,
    EchoHost,
    Endpoint,
    RecordType,
    TcpPort,
    WebAddress,
    canonical,
    canonical_host,
    is_echo,
    origin,
    parse_endpoint,
)


def dns(host: str, name: str, kind: RecordType = RecordType.A, port: int = 53) -> DnsQuestion:
    return DnsQuestion(host=host, port=port, name=name, record_type=kind)


def web(host: str, target: str = "/", *, tls: bool = True, port: int = 443) -> WebAddress:
    return WebAddress(host=host, port=port, tls=tls, target=target)


@pytest.mark.parametrize(
    ("text", "endpoint", "shown"),
    [
        (" 192.0.2.10 ", EchoHost(host="192.0.2.10"), "192.0.2.10"),
        ("2001:DB8:0::10", EchoHost(host="2001:db8::10"), "2001:db8::10"),
        ("fe80::1%eth0", EchoHost(host="fe80::1%eth0"), "fe80::1%eth0"),
        ("Server.example", EchoHost(host="Server.example"), "Server.example"),
        ("TCP://server.example:443/", TcpPort(host="server.example", port=443), "tcp://server.example:443"),
        ("tcp://[2001:DB8::1]:22", TcpPort(host="2001:db8::1", port=22), "tcp://[2001:db8::1]:22"),
        ("tcp://[fe80::1%eth0]:22", TcpPort(host="fe80::1%eth0", port=22), "tcp://[fe80::1%eth0]:22"),
        ("tcp://192.0.2.1:0080", TcpPort(host="192.0.2.1", port=80), "tcp://192.0.2.1:80"),
        (
            "dns://192.0.2.53?name=a.example",
            dns("192.0.2.53", "a.example"),
            "dns://192.0.2.53?name=a.example",
        ),
        (
            "dns://[2001:db8::53]:5353/?type=aaaa&name=_sip._tcp.a.example",
            dns("2001:db8::53", "_sip._tcp.a.example", RecordType.AAAA, 5353),
            "dns://[2001:db8::53]:5353?name=_sip._tcp.a.example&type=AAAA",
        ),
        ("dns://ns.example:53?name=bücher.example", dns("ns.example", "bücher.example"), None),
        ("https://intranet.example", web("intranet.example"), "https://intranet.example"),
        ("HTTPS://intranet.example:443/", web("intranet.example"), "https://intranet.example"),
        (
            "http://intranet.example:8080/a b/?q=ü#part".replace(" ", "%20"),
            web("intranet.example", "/a%20b/?q=%C3%BC", tls=False, port=8080),
            "http://intranet.example:8080/a%20b/?q=%C3%BC",
        ),
        ("http://[::1]?x=1", web("::1", "/?x=1", tls=False, port=80), "http://[::1]/?x=1"),
    ],
)
def test_each_kind_is_parsed_and_written_in_one_way(text: str, endpoint: Endpoint, shown: str | None) -> None:
    assert parse_endpoint(text) == endpoint
    written = canonical_host(text)
    assert shown in (None, written)
    assert canonical_host(written) == written
    assert parse_endpoint(written) == endpoint
    assert is_echo(written) == isinstance(endpoint, EchoHost)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the host is blank"),
        ("server.example:443", "write tcp://server.example:443"),
        ("[2001:db8::1]:443", "write tcp://[2001:db8::1]:443"),
        ("tcp://server.example", "the port is missing: write for example tcp://server.example:443"),
        ("tcp://2001:db8::1:443", "stands in brackets before the port: [2001:db8::1]:443"),
        ("tcp://[::1", "stands in brackets"),
        ("tcp://[server.example]:1", "only IPv6 addresses stand in brackets"),
        ("tcp://server.example:", "'' is no port"),
        ("tcp://server.example:0", "'0' is no port"),
        ("tcp://server.example:65536", "from 1 to 65535"),
        ("tcp://server.example:https", "'https' is no port"),
        ("tcp://server.example:443/x", "nothing stands after the port"),
        ("tcp://:443", "the host is missing"),
        ("tcp://10.0.0.0-7:443", "expand it"),
        ("tcp://ho$t:443", "cannot stand in a host name"),
        ("tcp:server.example:443", "two slashes belong after the colon: write tcp://server.example:443"),
        ("https:/server.example", "write https://server.example"),
        ("dns://192.0.2.53", "the name to ask for is missing: write for example dns://192.0.2.53?name="),
        ("dns://192.0.2.53?name=", "the name to ask for is missing"),
        ("dns://192.0.2.53/a.example", "the name to ask for stands after ?name="),
        ("dns://192.0.2.53?nam=a.example", "'nam' is not known here"),
        ("dns://192.0.2.53?name=a.example&type=ANY", "write one of A, AAAA, CAA"),
        ("dns://192.0.2.53?name=192.0.2.1", "an address is no name to ask for"),
        ("dns://192.0.2.53?name=2001:db8::1", "an address is no name to ask for"),
        ("dns://192.0.2.53?name=a..example", "the name to ask for: a host name has no empty part"),
        ("dns://192.0.2.53:99999?name=a.example", "'99999' is no port"),
        ("dns://?name=a.example", "the host is missing"),
        ("http://", "the host is missing: write for example http://server/"),
        ("https://user:secret@host.example/", "a user name does not belong here"),
        ("https://host.example/a b", "there is a space in it"),
        ("https://host.example/\x07", "there is a space in it"),
        ("https://[fe80::1%25eth0]/", "scope ID"),
        ("https://host.example/" + "a" * 2_000, "at most 2,000 characters"),
        ("https://host.example:x/", "'x' is no port"),
        ("ping://host.example", "ping:// is no kind of probe: write a host alone for pings"),
        ("htp://host.example", "htp:// is no kind of probe"),
        ("two words", "its own row"),
    ],
)
def test_what_is_no_endpoint_says_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_endpoint(text)
    assert told in str(caught.value)


@hypothesis_settings(deadline=None)
@given(
    st.sampled_from(["", "tcp://", "dns://", "http://", "https://", "x://", "tcp:"]),
    st.text(alphabet="0123456789.:/-%?=&#[]@abnmexyü name", max_size=40),
)
def test_any_text_is_refused_in_words_or_has_a_canonical_form(scheme: str, text: str) -> None:
    with suppress(ValueError):
        written = canonical_host(scheme + text)
        assert canonical_host(written) == written
        assert canonical(parse_endpoint(written)) == written


def test_the_origin_of_a_web_address_leaves_out_the_schemes_own_port() -> None:
    assert origin(web("::1", port=8443)) == "https://[::1]:8443"
    assert origin(web("a.example", tls=False, port=443)) == "http://a.example:443"
