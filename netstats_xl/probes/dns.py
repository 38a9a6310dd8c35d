"""DNS questions: how long a server takes to answer one."""

import asyncio
import socket
import time

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from netstats_xl.domain.endpoints import DnsQuestion
from netstats_xl.domain.results import Replied, ServiceFailed, Timeout
from netstats_xl.probes.addresses import Address
from netstats_xl.probes.attempts import Finding
from netstats_xl.probes.tcp import failure, family_of, not_sent, with_port

LONGEST_ANSWER = 200
"""Characters of an answer that are kept."""

_LARGEST_DATAGRAM = 65_535
_MOST_DATAGRAMS = 1_000
"""That are waited past: whoever sends more than that in an attempt's time sends a flood."""
_MEANINGS = {
    dns.rcode.NXDOMAIN: "no such name",
    dns.rcode.SERVFAIL: "the server could not find the answer",
    dns.rcode.REFUSED: "the server does not answer this question",
    dns.rcode.FORMERR: "the server did not understand the question",
    dns.rcode.NOTIMP: "the server does not know this kind of question",
}


async def ask(address: Address, question: DnsQuestion, *, timeout_s: float) -> Finding:
    """Ask once: over UDP, and over TCP where the answer is too long for UDP. The RTT is the time to the answer.

    What is no answer to this very question (another number or name, no DNS at all) is waited past.
    """
    query = dns.message.make_query(question.name, question.record_type.value)
    began_at = time.perf_counter()
    try:
        answer = await _over_udp(address, question.port, query)
    except _NoSocketError as error:
        return not_sent(address, error.cause)
    except TimeoutError:
        return Timeout(address=address.text, sent=1)
    except OSError as error:
        return failure(address, getattr(error, "winerror", None) or error.errno or 0, left=True)
    if answer is None:
        try:
            answer = await dns.asyncquery.tcp(
                query, address.text, timeout=timeout_s, port=question.port, ignore_trailing=True
            )
        except dns.exception.Timeout:
            return Timeout(address=address.text, sent=1)
        except (dns.exception.DNSException, EOFError, OSError):
            reason = "TRUNCATED: the answer is too long for UDP, and over TCP the server gives none"
            return ServiceFailed(address=address.text, sent=1, reason=reason)
    return _meaning(address, question, answer, rtt_ms=(time.perf_counter() - began_at) * 1_000)


class _NoSocketError(Exception):
    """No socket could be opened, or it had no route."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def _over_udp(address: Address, port: int, query: dns.message.Message) -> dns.message.Message | None:
    """The answer; None where the server says that it is too long. Raises TimeoutError in a flood of other packets.

    The socket is connected: so the system itself passes over what comes from elsewhere, and tells of a port that
    is closed, which dnspython's own would wait for in vain.
    """
    loop = asyncio.get_running_loop()
    try:
        sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
    except OSError as error:
        raise _NoSocketError(error) from error
    with sock:
        sock.setblocking(False)
        try:
            sock.connect(with_port(address.sockaddr, port))
        except OSError as error:
            raise _NoSocketError(error) from error
        await loop.sock_sendall(sock, query.to_wire())
        for _ in range(_MOST_DATAGRAMS):
            wire = await loop.sock_recv(sock, _LARGEST_DATAGRAM)
            try:
                answer = dns.message.from_wire(wire, raise_on_truncation=True, ignore_trailing=True)
            except dns.message.Truncated as truncated:
                answer = truncated.message()  # type: ignore[no-untyped-call]  # dnspython gives it no types
                if answer.id == query.id:
                    return None
            except Exception:  # noqa: BLE001 - whatever a stranger's packet does to the parser, it is no answer
                answer = None
            if answer is not None and query.is_response(answer):
                return answer
            await asyncio.sleep(0)  # or a flood of packets would leave the others, and the deadline, no time
    raise TimeoutError


def _meaning(
    address: Address, question: DnsQuestion, answer: dns.message.Message, *, rtt_ms: float
) -> Finding:
    code = answer.rcode()
    if code is not dns.rcode.NOERROR:
        term = dns.rcode.to_text(code)
        meaning = _MEANINGS.get(code, "the server cannot answer")
        return ServiceFailed(address=address.text, sent=1, reason=f"{term}: {meaning}")
    wanted = dns.rdatatype.from_text(question.record_type.value)
    found = [str(record) for rrset in answer.answer if rrset.rdtype == wanted for record in rrset]
    if not found:
        reason = f"NODATA: the name has no record of the type {question.record_type}"
        return ServiceFailed(address=address.text, sent=1, reason=reason)
    return Replied(address=address.text, rtts_ms=(rtt_ms,), answer=_shortened(found))


def _shortened(records: list[str]) -> str:
    """As many of them as there is room for, in an order that does not change from answer to answer."""
    shown: list[str] = []
    ordered = sorted(records)
    for record in ordered:
        if sum(len(each) + 2 for each in shown) + len(record) > LONGEST_ANSWER:
            break
        shown.append(record)
    if not shown:
        shown.append(f"{ordered[0][: LONGEST_ANSWER - 1]}…")
    more = len(ordered) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
