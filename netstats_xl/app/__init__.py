"""The use cases, on ports alone."""
