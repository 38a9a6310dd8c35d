"""The control channel: a small HTTP API on this computer alone, and its client."""
