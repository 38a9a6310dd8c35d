"""What Wine lacks of Windows, so that tests which need it are skipped with that reason."""

import ctypes
import socket
import sys

import pytest


def on_wine() -> bool:
    """Whether this Windows is Wine."""
    return sys.platform == "win32" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def opens_no_icmpv6() -> bool:
    """Whether this is a Wine that opens no ICMPv6 socket."""
    if not on_wine():
        return False
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6).close()
    except OSError:
        return True
    return False


def sends_no_icmpv6_echo() -> bool:
    """Whether this is a Wine whose echo service has no IPv6."""
    if sys.platform != "win32" or not on_wine():
        return False
    library = ctypes.WinDLL("iphlpapi")
    return not all(
        hasattr(library, name) for name in ("Icmp6CreateFile", "Icmp6SendEcho2", "Icmp6ParseReplies")
    )


needs_holder_named = pytest.mark.skipif(
    on_wine(), reason="Wine's Restart Manager does not tell who has a file open"
)
needs_byte_locks = pytest.mark.skipif(on_wine(), reason="Wine lets programs read what another has locked")
needs_read_only = pytest.mark.skipif(on_wine(), reason="Wine run by root writes files that are read-only")
needs_icmpv6_echo = pytest.mark.skipif(sends_no_icmpv6_echo(), reason="this Wine's echo service has no IPv6")
needs_icmpv6 = pytest.mark.skipif(opens_no_icmpv6(), reason="this Wine opens no ICMPv6 socket")
needs_refused_datagrams = pytest.mark.skipif(
    on_wine(), reason="Wine tells no UDP socket that a port is closed"
)
