"""Why the local network stack did not take a packet, in plain words."""

import errno

_QUEUE_FULL = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS, errno.ENOMEM, 10035, 10055})
"""Passes by itself. Numbers above 10,000 are Windows Sockets' own (WinError)."""

_NO_SOCKETS = frozenset({errno.EMFILE, errno.ENFILE, 10024})
"""This program, or the whole machine, has too many open already."""

_REASONS = {
    errno.EMFILE: "this program has too many sockets open",
    errno.ENFILE: "this machine has too many files open",
    10024: "this program has too many sockets open",
    errno.ENETUNREACH: "no route to its network",
    errno.EHOSTUNREACH: "no route to the host",
    errno.EHOSTDOWN: "the host is down",
    errno.ENETDOWN: "the network interface is down",
    errno.EACCES: "not permitted: a broadcast address, or a route that forbids it",
    errno.EPERM: "forbidden by this machine's firewall",
    errno.EINVAL: "not an address that can be probed",
    errno.EADDRNOTAVAIL: "this machine has no address to send from",
    errno.EAFNOSUPPORT: "this machine does not have its protocol",
    errno.EMSGSIZE: "the packet is larger than the network interface takes",
    errno.ENODEV: "the network interface does not exist",
    errno.ENXIO: "the network interface does not exist",
    10022: "not an address that can be probed",
    10013: "not permitted: a broadcast address, or forbidden by this machine's firewall",
    10040: "the packet is larger than the network interface takes",
    10047: "this machine does not have its protocol",
    10049: "this machine has no address to send from",
    10050: "the network interface is down",
    10051: "no route to its network",
    10064: "the host is down",
    10065: "no route to the host",
}


def is_queue_full(error: OSError) -> bool:
    """Whether trying again in a moment will do."""
    return _number(error) in _QUEUE_FULL


def is_lack_of_sockets(error: OSError) -> bool:
    """Whether no socket could be opened because too many are open."""
    return _number(error) in _NO_SOCKETS


def reason_of_failure(error: OSError) -> str:
    """The reason in words; the system's own where it is a rare one."""
    if is_queue_full(error):
        return "the network interface takes no more packets"
    return _REASONS.get(_number(error)) or f"the system refused: {error.strerror or error}"


def _number(error: OSError) -> int:
    return getattr(error, "winerror", None) or error.errno or 0
