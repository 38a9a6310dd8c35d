"""Fixtures of the lab's own tests."""

from tests.netlab import network_lab

__all__ = ["network_lab"]
