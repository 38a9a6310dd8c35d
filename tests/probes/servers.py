"""Servers of the tests' own on loopback addresses, on the event loop of the test: TCP, DNS, HTTP and TLS."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from netstats_xl.probes.addresses import SockAddr
from netstats_xl.probes.resolver import Resolver


def looked_up(**names: str) -> Resolver:
    """A resolver that knows these names, with `_` for a dot, and no others."""
    known = {name.replace("_", "."): address for name, address in names.items()}

    def look_up(host: str) -> Sequence[SockAddr]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(known[host], 0)]

    return Resolver(lookup=look_up)


def closed_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens at."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as sock:
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
        return port


@dataclass
class Connections:
    """What a TCP server saw."""

    port: int = 0
    made: int = 0
    ended: int = 0
    all_ended: asyncio.Event = field(default_factory=asyncio.Event)
    received: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def tcp_server(
    *,
    host: str = "127.0.0.1",
    answer: bytes | Sequence[bytes | float] = b"",
    hold: bool = False,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Connections]:
    """A server that accepts connections.

    With an `answer` it reads a request first, and sends the parts; a number among them is a pause, s. With `hold`
    it then keeps the connection open until the other end closes it.
    """
    seen = Connections()
    serving: set[asyncio.Task[None] | None] = set()
    parts: Sequence[bytes | float] = (answer,) if isinstance(answer, bytes) else answer

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.made += 1
        serving.add(asyncio.current_task())
        try:
            if any(parts):
                seen.received.append(await reader.readuntil(b"\r\n\r\n"))
            for part in parts:
                if isinstance(part, bytes):
                    writer.write(part)
                    await writer.drain()
                else:
                    await asyncio.sleep(part)
            if hold or not any(parts):
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the prober has hung up, as it may
        finally:
            writer.close()
            seen.ended += 1
            if seen.ended == seen.made:
                seen.all_ended.set()

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for task in serving:
            if task is not None:
                task.cancel()  # from Python 3.12 on the server waits for its connections, and a pause may be long
        await server.wait_closed()


DnsAnswers = Callable[[dns.message.Message], Sequence[bytes]]


def answering(*records: str, kind: str = "A", code: dns.rcode.Rcode = dns.rcode.NOERROR) -> DnsAnswers:
    """Answers every question with these records, or this code."""

    def answers(query: dns.message.Message) -> Sequence[bytes]:
        return [reply_to(query, *records, kind=kind, code=code).to_wire()]

    return answers


def reply_to(
    query: dns.message.Message,
    *records: str,
    kind: str = "A",
    code: dns.rcode.Rcode = dns.rcode.NOERROR,
) -> dns.message.Message:
    reply = dns.message.make_response(query)
    reply.set_rcode(code)
    if records:
        reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, *records))
    return reply


def truncated(query: dns.message.Message) -> bytes:
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.TC
    return reply.to_wire()


class _DnsProtocol(asyncio.DatagramProtocol):
    def __init__(self, answers: DnsAnswers, asked: list[dns.message.Message]) -> None:
        self._answers, self._asked = answers, asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own class is no DatagramTransport by inheritance.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self._asked.append(query)
        for answer in self._answers(query):
            self._transport.sendto(answer, addr)


@dataclass
class Asked:
    """What a DNS server was asked."""

    port: int
    over_udp: list[dns.message.Message] = field(default_factory=list)
    over_tcp: list[dns.message.Message] = field(default_factory=list)


@asynccontextmanager
async def dns_server(
    answers: DnsAnswers, *, host: str = "127.0.0.1", over_tcp: DnsAnswers | None = None
) -> AsyncIterator[Asked]:
    """A DNS server on UDP and, where there are answers for it, on TCP at the same port."""
    loop = asyncio.get_running_loop()
    asked = Asked(port=0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        query = dns.message.from_wire(await reader.readexactly(length))
        asked.over_tcp.append(query)
        for answer in over_tcp(query) if over_tcp else ():
            writer.write(len(answer).to_bytes(2, "big") + answer)
        writer.close()

    # Others open connections meanwhile: TCP chooses the port, and has it again where UDP cannot have the same one.
    for last in (False, False, True):
        server = await asyncio.start_server(serve, host, 0) if over_tcp else None
        asked.port = server.sockets[0].getsockname()[1] if server is not None else 0
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _DnsProtocol(answers, asked.over_udp), local_addr=(host, asked.port)
            )
        except OSError:
            if server is not None:
                server.close()
            if last:
                raise
        else:
            break
    asked.port = transport.get_extra_info("sockname")[1]
    try:
        yield asked
    finally:
        transport.close()
        if server is not None:
            server.close()
            await server.wait_closed()


def http_answer(status: str = "200 OK", body: bytes = b"hello", *headers: str) -> bytes:
    """A whole answer of a web server."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
