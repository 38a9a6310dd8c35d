"""The network that the end-to-end tests measure."""

from tests.netlab import network_lab

__all__ = ["network_lab"]
