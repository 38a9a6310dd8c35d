"""Puts the fragments of IP packets together. No I/O."""

from tests.responder.wire import HEADER_V4, HEADER_V6, checksum

_FRAGMENT_HEADER = 44
_MOST_PACKETS = 1_000
"""So many packets may lack a fragment: the oldest is given up then."""


class Fragments:
    """The packets of which fragments have come."""

    def __init__(self) -> None:
        self._packets: dict[bytes, _Pieces] = {}

    def take(self, packet: bytes) -> bytes | None:
        """The whole packet that this fragment completes, or None.

        It has the header of its first fragment, of the whole length, without a sign of fragments and with the right
        checksum. IP options are not looked for: the kernel under the lab sends none.
        """
        if packet[0] >> 4 == 4:
            key, header, data = (
                packet[4:6] + packet[9:10] + packet[12:20],
                packet[:HEADER_V4],
                packet[HEADER_V4:],
            )
            field = int.from_bytes(packet[6:8], "big")
            offset, more = (field & 0x1FFF) * 8, bool(field & 0x2000)
        else:
            key, data = packet[44:48] + packet[8:40], packet[HEADER_V6 + 8 :]
            header = packet[:6] + packet[40:41] + packet[7:HEADER_V6]
            field = int.from_bytes(packet[42:44], "big")
            offset, more = field & 0xFFF8, bool(field & 1)
        pieces = self._packets.setdefault(key, _Pieces())
        whole = pieces.add(header, data, offset=offset, more=more)
        if whole is not None:
            del self._packets[key]
        elif len(self._packets) > _MOST_PACKETS:
            del self._packets[next(iter(self._packets))]
        return whole


def is_fragment(packet: bytes) -> bool:
    """Whether this is a part of a packet."""
    if packet[0] >> 4 == 4:
        return bool(packet[6] & 0x3F or packet[7])
    return packet[6] == _FRAGMENT_HEADER and len(packet) >= HEADER_V6 + 8


class _Pieces:
    """What has come of one packet."""

    def __init__(self) -> None:
        self._data: dict[int, bytes] = {}
        self._header = b""
        self._size = -1

    def add(self, header: bytes, data: bytes, *, offset: int, more: bool) -> bytes | None:
        self._data[offset] = data
        if offset == 0:
            self._header = header
        if not more:
            self._size = offset + len(data)
        body = b"".join(self._data[at] for at in sorted(self._data))
        if len(body) != self._size or not self._header:
            return None
        if self._header[0] >> 4 == 4:
            length = (HEADER_V4 + len(body)).to_bytes(2, "big")
            head = self._header[:2] + length + self._header[4:6] + bytes(2) + self._header[8:10] + bytes(2)
            head += self._header[12:]
            return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + body
        return self._header[:4] + len(body).to_bytes(2, "big") + self._header[6:] + body
