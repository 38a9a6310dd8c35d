"""Fixtures of the probes' tests."""

from tests.netlab import network_lab

__all__ = ["network_lab"]
