"""Which prober this computer gets."""

from netstats_xl.domain.targets import Engine
from netstats_xl.ports import Prober
from netstats_xl.probes.echo_choice import open_echo_prober


def open_prober(engine: Engine = Engine.AUTOMATIC) -> Prober:
    """A prober that can send, with the engine of the Settings sheet unless the environment names another.

    Raises:
        ConfigurationError: the environment names an engine that there is not.
        PrivilegeMissing: the system does not let this user; the message says what to do.
        BackendUnavailable: it has no ICMP, or not that engine.
    """
    return open_echo_prober(engine)
