"""Adapters that keep results."""
