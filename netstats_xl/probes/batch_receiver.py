"""Many messages from a socket in one call: Linux's `recvmmsg`, which Python's `socket` lacks (man 2 recvmmsg).

Of what a probe costs a tenth is saved: the calls, and the objects that Python makes of each message's sender and
receive time.
"""

import ctypes
import errno
import socket
import struct
import sys

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.matching import Message
from netstats_xl.probes.socket_options import SO_TIMESTAMPNS

_MESSAGES = 64
_MESSAGE_BYTES = 9_216
"""More than our largest reply: 8,972 bytes of payload, 8 of ICMP header, up to 60 of IP header."""
_MSG_DONTWAIT = 0x40

# The structures of a 64-bit Linux (man 2 recvmsg, man 2 recvmmsg): `struct iovec`; `struct mmsghdr` as it is handed
# over (name, its size, vectors, how many, control data, its size, flags, length) and as it is read (length alone);
# the one control message with a `struct timespec`; and the packed address in a `sockaddr_in` or `sockaddr_in6`.
_VECTOR = struct.Struct("@QQ")
_HEADER = struct.Struct("@QI4xQQQQi4xI4x")
_LENGTH = struct.Struct("@56xI4x")
_CONTROL = struct.Struct("@QiiQQ32x")
_NAME = {Family.IPV4: struct.Struct("@4x4s20x"), Family.IPV6: struct.Struct("@8x16s4x")}
_STAMP_BYTES = 32


class BatchReceiver:
    """Reads the messages of one socket, with the times at which the kernel had them."""

    def __init__(self, sock: socket.socket, family: Family) -> None:
        """Make the buffers.

        Raises:
            OSError: this system has no such call.
        """
        if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
            raise OSError(errno.ENOSYS, "recvmmsg is Linux's, and its structures are known for 64 bits")
        self._receive = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._receive.argtypes = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_void_p,
        )
        self._socket = sock
        self._name = _NAME[family]
        self._names = bytearray(_MESSAGES * self._name.size)
        self._controls = bytearray(_MESSAGES * _CONTROL.size)
        self._data = bytearray(_MESSAGES * _MESSAGE_BYTES)
        self._vectors = bytearray(_MESSAGES * _VECTOR.size)
        self._headers = bytearray(_MESSAGES * _HEADER.size)
        # Python must not move what the kernel writes to: the exports hold the buffers where they are.
        self._exports = [
            (ctypes.c_char * len(each)).from_buffer(each)
            for each in (self._names, self._controls, self._data, self._vectors, self._headers)
        ]
        names, controls, data, vectors, self._headers_at = map(ctypes.addressof, self._exports)
        for i in range(_MESSAGES):
            _VECTOR.pack_into(self._vectors, i * _VECTOR.size, data + i * _MESSAGE_BYTES, _MESSAGE_BYTES)
            _HEADER.pack_into(
                self._headers,
                i * _HEADER.size,
                names + i * self._name.size,
                self._name.size,
                vectors + i * _VECTOR.size,
                1,
                controls + i * _CONTROL.size,
                _CONTROL.size,
                0,
                0,
            )
        self._fresh = bytes(self._headers)

    def receive(self, lead_s: int, lead_ns: int) -> tuple[list[Message], bool]:
        """A batch of the messages that arrived, and whether none is left.

        Args:
            lead_s: by how much the wall clock is ahead of the monotonic one, whole seconds.
            lead_ns: and the rest of it, ns.
        """
        count = self._receive(self._socket.fileno(), self._headers_at, _MESSAGES, _MSG_DONTWAIT, None)
        if count <= 0:
            # Any other error is what befell an earlier packet: this has cleared it.
            return [], ctypes.get_errno() in (errno.EAGAIN, errno.EBADF)
        lengths = _LENGTH.iter_unpack(self._headers[: count * _HEADER.size])
        controls = _CONTROL.iter_unpack(self._controls[: count * _CONTROL.size])
        names = self._name.iter_unpack(self._names[: count * self._name.size])
        messages: list[Message] = []
        start, data = 0, self._data
        for (length,), (size, level, type_, seconds, nanoseconds), (source,) in zip(
            lengths, controls, names, strict=True
        ):
            stamped = size == _STAMP_BYTES and type_ == SO_TIMESTAMPNS and level == socket.SOL_SOCKET
            at = (seconds - lead_s) + (nanoseconds - lead_ns) * 1e-9 if stamped else None
            messages.append((data, start, start + length, source, at))
            start += _MESSAGE_BYTES
        self._headers[: count * _HEADER.size] = self._fresh[: count * _HEADER.size]
        return messages, count < _MESSAGES
