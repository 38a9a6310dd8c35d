"""DNS questions: answers, refusals with their terms, truncation, and what is no answer."""

from collections.abc import Sequence

import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from netstats_xl.domain.results import Outcome, Refused, Replied, SendFailed, ServiceFailed, Timeout
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.probes.services import ServiceProber
from tests.contracts.prober import on_selector_loop
from tests.probes.servers import (
    Asked,
    DnsAnswers,
    answering,
    closed_port,
    dns_server,
    looked_up,
    reply_to,
    truncated,
)
from tests.wine import needs_refused_datagrams

ONCE = EchoSettings(packets=1, timeout_ms=1_000)


def ask(
    answers: DnsAnswers,
    question: str = "name=www.example",
    *,
    host: str = "127.0.0.1",
    over_tcp: DnsAnswers | None = None,
    settings: EchoSettings = ONCE,
) -> tuple[Outcome, Asked]:
    async def main() -> tuple[Outcome, Asked]:
        async with dns_server(answers, host=host, over_tcp=over_tcp) as server:
            prober = ServiceProber(resolver=looked_up(), packets_per_second=10_000)
            where = f"[{host}]" if ":" in host else host
            [found] = await prober.probe([f"dns://{where}:{server.port}?{question}"], settings)
            return found, server

    return on_selector_loop(main())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_is_timed_and_told(host: str) -> None:
    settings = EchoSettings(packets=3, packet_interval_ms=10)
    found, server = ask(answering("192.0.2.2", "192.0.2.1"), host=host, settings=settings)
    assert isinstance(found, Replied)
    assert (found.address, found.answer) == (host, "192.0.2.1, 192.0.2.2")
    assert len(found.rtts_ms) == 3
    assert all(rtt is not None and 0 < rtt < 1_000 for rtt in found.rtts_ms)
    assert len(server.over_udp) == 3
    assert len({query.id for query in server.over_udp}) > 1


def test_the_type_that_is_wanted_is_asked_for() -> None:
    found, server = ask(answering("2001:db8::1", kind="AAAA"), "name=www.example&type=AAAA")
    assert isinstance(found, Replied)
    assert found.answer == "2001:db8::1"
    assert [str(query.question[0]) for query in server.over_udp] == ["www.example. IN AAAA"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (dns.rcode.NXDOMAIN, "NXDOMAIN: no such name"),
        (dns.rcode.SERVFAIL, "SERVFAIL: the server could not find the answer"),
        (dns.rcode.REFUSED, "REFUSED: the server does not answer this question"),
        (dns.rcode.NOTIMP, "NOTIMP: the server does not know this kind of question"),
        (dns.rcode.NOTAUTH, "NOTAUTH: the server cannot answer"),
    ],
)
def test_a_server_that_cannot_serve_is_told_with_its_own_term(code: dns.rcode.Rcode, reason: str) -> None:
    found, _ = ask(answering(code=code), settings=EchoSettings(packets=2, packet_interval_ms=10))
    assert found == ServiceFailed(address="127.0.0.1", sent=2, reason=reason)


def test_a_name_without_a_record_of_the_type_is_no_reply() -> None:
    found, _ = ask(answering("alias.example.", kind="CNAME"))
    assert found == ServiceFailed(
        address="127.0.0.1", sent=1, reason="NODATA: the name has no record of the type A"
    )


def test_an_answer_that_is_too_long_for_udp_is_asked_for_over_tcp() -> None:
    found, server = ask(lambda query: [truncated(query)], over_tcp=answering("192.0.2.9"))
    assert isinstance(found, Replied)
    assert found.answer == "192.0.2.9"
    assert len(server.over_udp) == len(server.over_tcp) == 1


def test_a_truncated_answer_cut_in_mid_record_is_asked_for_over_tcp() -> None:
    def cut(query: dns.message.Message) -> Sequence[bytes]:
        wire = bytearray(reply_to(query, "192.0.2.1").to_wire())
        wire[2] |= 0x02  # TC
        return [bytes(wire[:-3])]

    found, server = ask(cut, over_tcp=answering("192.0.2.9"))
    assert isinstance(found, Replied)
    assert len(server.over_tcp) == 1


@pytest.mark.parametrize("over_tcp", [None, lambda query: [], lambda query: [b"garbage"]])
def test_a_server_that_truncates_and_takes_no_tcp_cannot_serve(over_tcp: DnsAnswers | None) -> None:
    found, _ = ask(lambda query: [truncated(query)], over_tcp=over_tcp)
    assert isinstance(found, ServiceFailed)
    assert found.reason.startswith("TRUNCATED: the answer is too long for UDP")


def other_number(query: dns.message.Message) -> bytes:
    reply = reply_to(query, "192.0.2.66")
    reply.id = query.id ^ 1
    return reply.to_wire()


def other_name(query: dns.message.Message) -> bytes:
    other = dns.message.make_query("other.example", "A")
    other.id = query.id
    return reply_to(other, "192.0.2.66").to_wire()


def other_truncated(query: dns.message.Message) -> bytes:
    other = dns.message.make_query("other.example", "A")
    other.id = query.id ^ 1
    return truncated(other)


def test_what_is_no_answer_to_this_question_is_waited_past() -> None:
    def answers(query: dns.message.Message) -> Sequence[bytes]:
        true = reply_to(query, "192.0.2.1").to_wire()
        forged = [other_number(query), other_name(query), other_truncated(query), query.to_wire()]
        return [b"", b"garbage", true[:13], *forged, true]

    found, _ = ask(answers)
    assert isinstance(found, Replied)
    assert found.answer == "192.0.2.1"


def test_nothing_but_forgeries_is_no_reply_in_time() -> None:
    settings = EchoSettings(packets=2, packet_interval_ms=10, timeout_ms=60)
    found, _ = ask(lambda query: [other_number(query), other_name(query)], settings=settings)
    assert found == Timeout(address="127.0.0.1", sent=2)


def test_a_flood_of_forgeries_ends_the_attempt() -> None:
    def answers(query: dns.message.Message) -> Sequence[bytes]:
        return [b"x"] * 1_500

    found, _ = ask(answers, settings=EchoSettings(packets=1, timeout_ms=2_000))
    assert found == Timeout(address="127.0.0.1", sent=1)


@needs_refused_datagrams
def test_a_port_without_a_server_refuses() -> None:
    prober = ServiceProber(resolver=looked_up(), packets_per_second=1_000)
    port = closed_port()
    found = on_selector_loop(prober.probe([f"dns://127.0.0.1:{port}?name=www.example"], ONCE))
    assert found == [Refused(address="127.0.0.1", sent=1)]


def test_an_address_that_nothing_can_be_sent_to_is_told() -> None:
    prober = ServiceProber(resolver=looked_up(), packets_per_second=1_000)
    # A link-local address needs a scope: the system refuses to connect to this one, and no packet leaves.
    [found] = on_selector_loop(prober.probe(["dns://[fe80::1]?name=www.example"], ONCE))
    assert isinstance(found, SendFailed)
    assert found.address == "fe80::1"


def test_a_long_answer_is_shortened() -> None:
    addresses = [f"192.0.2.{last}" for last in range(100, 125)]
    found, _ = ask(answering(*addresses))
    assert isinstance(found, Replied)
    assert found.answer.startswith("192.0.2.100, 192.0.2.101, ")
    assert found.answer.endswith(" and 10 more")
    text, _ = ask(answering('"' + "x" * 250 + '"', kind="TXT"), "name=www.example&type=TXT")
    assert isinstance(text, Replied)
    assert len(text.answer) == 200
    assert text.answer.endswith("…")
    longest = ['"' + letter * 250 + '"' for letter in "zay"]
    several, _ = ask(answering(*longest, kind="TXT"), "name=www.example&type=TXT")
    assert isinstance(several, Replied)
    assert several.answer == f'"{"a" * 198}… and 2 more'


@hypothesis_settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=80), max_size=30), st.binary(max_size=60))
def test_no_reply_however_malformed_does_more_than_be_waited_past(garbage: list[bytes], tail: bytes) -> None:
    def answers(query: dns.message.Message) -> Sequence[bytes]:
        head = query.id.to_bytes(2, "big") + b"\x81\x80"
        true = reply_to(query, "192.0.2.1").to_wire()
        return [*garbage, *(head + each[:3] for each in garbage), true[:-1], tail, true]

    async def main() -> Outcome:
        async with dns_server(answers) as server:
            prober = ServiceProber(resolver=looked_up(), packets_per_second=10_000)
            [found] = await prober.probe([f"dns://127.0.0.1:{server.port}?name=www.example"], ONCE)
            return found

    found = on_selector_loop(main())
    assert isinstance(found, Replied)
    assert found.answer == "192.0.2.1"
