"""Which prober this computer gets."""

from contextlib import nullcontext, suppress
from functools import partial

from netstats_xl.domain.targets import Engine
from netstats_xl.errors import ProbeEngineError
from netstats_xl.ports import Prober
from netstats_xl.probes.echo_choice import open_echo_prober
from netstats_xl.probes.kinds import KindsProber


def open_prober(engine: Engine = Engine.AUTOMATIC, *, pings: bool = True) -> Prober:
    """A prober for every kind of destination.

    Args:
        engine: what pings, unless the environment names another.
        pings: whether a prober that cannot ping is of no use.

    Raises:
        ConfigurationError: the environment names an engine that there is not.
        PrivilegeMissing: it is of no use, as the system does not let this user ping; the message says what to do.
        BackendUnavailable: it is of no use, as the system has no ICMP, or not that engine.
    """
    prober = KindsProber(partial(open_echo_prober, engine))
    # Tried in any case, so that it can be told from the start what pings, or why nothing does.
    with nullcontext() if pings else suppress(ProbeEngineError):
        prober.open_echo()
    return prober
