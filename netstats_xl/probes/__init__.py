"""Adapters that send probes."""
