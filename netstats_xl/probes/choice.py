"""Which prober this computer gets."""

import os
import sys

from netstats_xl.ports import Prober
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.probes.kinds import KindsProber

ENGINE_VARIABLE = "NETSTATS_XL_ENGINE"
"""`raw`: sockets on Windows too, which asks for an elevated program. It is inherited by the probing process."""


def open_prober(*, pings: bool = True) -> Prober:
    """A prober for every kind of destination. `pings`: whether one that cannot ping is of no use.

    Raises:
        PrivilegeMissing: it is of no use, as the system does not let this user ping; the message says what to do.
        BackendUnavailable: it is of no use, as the system has no ICMP.
    """
    prober = KindsProber(open_echo)
    if pings:
        prober.open_echo()
    return prober


def open_echo() -> Prober:
    """What pings: on Windows its own echo service, which needs no rights; elsewhere ICMP sockets.

    Raises:
        PrivilegeMissing: the system does not let this user; the message says what to do.
        BackendUnavailable: it has no ICMP.
    """
    if sys.platform == "win32" and os.environ.get(ENGINE_VARIABLE) != "raw":
        from netstats_xl.probes.icmp_windows import WindowsEchoProber

        return WindowsEchoProber.open()
    return IcmpProber.open()
