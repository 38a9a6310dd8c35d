"""Which prober this computer gets."""

import os
import sys

from netstats_xl.ports import Prober
from netstats_xl.probes.icmp import IcmpProber

ENGINE_VARIABLE = "NETSTATS_XL_ENGINE"
"""`raw`: sockets on Windows too, which asks for an elevated program. It is inherited by the probing process."""


def open_prober() -> Prober:
    """A prober that can send: on Windows its own echo service, which needs no rights; elsewhere ICMP sockets.

    Raises:
        PrivilegeMissing: the system does not let this user; the message says what to do.
        BackendUnavailable: it has no ICMP.
    """
    if sys.platform == "win32" and os.environ.get(ENGINE_VARIABLE) != "raw":
        from netstats_xl.probes.icmp_windows import open_windows_engine

        return IcmpProber.open(open_engine=open_windows_engine)
    return IcmpProber.open()
