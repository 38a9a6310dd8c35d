"""Scenarios of rounds and the statistics that they must have: one TOML file each."""
