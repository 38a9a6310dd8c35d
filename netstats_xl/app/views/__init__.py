"""The report's sheets, one module each: measurements and definitions -> views."""
