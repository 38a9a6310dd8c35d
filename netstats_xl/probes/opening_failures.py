"""Why an ICMP socket could not be opened, as errors of ours, with what the user can do about it."""

import errno
import sys
from pathlib import Path

from icmplib import exceptions as icmplib_errors

from netstats_xl.errors import BackendUnavailable, PrivilegeMissing, ProbeEngineError
from netstats_xl.probes.addresses import Family

_TRANSLATION: dict[type[Exception], type[ProbeEngineError]] = {
    icmplib_errors.ICMPLibError: BackendUnavailable,
    icmplib_errors.NameLookupError: BackendUnavailable,
    icmplib_errors.ICMPSocketError: BackendUnavailable,
    icmplib_errors.SocketAddressError: BackendUnavailable,
    icmplib_errors.SocketPermissionError: PrivilegeMissing,
    icmplib_errors.SocketUnavailableError: BackendUnavailable,
    icmplib_errors.SocketBroadcastError: BackendUnavailable,
    icmplib_errors.TimeoutExceeded: BackendUnavailable,
    icmplib_errors.ICMPError: BackendUnavailable,
    icmplib_errors.DestinationUnreachable: BackendUnavailable,
    icmplib_errors.ICMPv4DestinationUnreachable: BackendUnavailable,
    icmplib_errors.ICMPv6DestinationUnreachable: BackendUnavailable,
    icmplib_errors.TimeExceeded: BackendUnavailable,
    icmplib_errors.ICMPv4TimeExceeded: BackendUnavailable,
    icmplib_errors.ICMPv6TimeExceeded: BackendUnavailable,
}


def translate(error: Exception, family: Family) -> ProbeEngineError:
    """Our error for one of icmplib's.

    Raises:
        KeyError: the table lacks it.
    """
    kind = _TRANSLATION[type(error)]
    if kind is PrivilegeMissing:
        return PrivilegeMissing(f"This user may not send ICMP echo requests. {remedy(sys.platform)}")
    cause = error.__context__
    if isinstance(cause, OSError) and cause.errno in (
        errno.EAFNOSUPPORT,
        errno.EPROTONOSUPPORT,
        10047,
        10043,
    ):
        return kind(f"This system has no {family}. Enable {family}, or leave its destinations out.")
    return kind(f"The system opens no ICMP socket for {family}: {error}. Check its network set-up.")


def remedy(platform: str) -> str:
    """What to do on this platform (`sys.platform`) to be allowed to send echo requests."""
    if platform == "win32":
        return "Start the program as administrator (right-click it, then Run as administrator)."
    if platform == "linux":
        python = Path(sys.executable).resolve()
        return (
            'Allow it for all users with: sudo sysctl -w net.ipv4.ping_group_range="0 2147483647" '
            f"- or for this Python alone with: sudo setcap cap_net_raw+ep {python}"
        )
    return "Run the program with sudo."
