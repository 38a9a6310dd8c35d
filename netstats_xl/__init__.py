"""A network latency monitor that lives in an Excel workbook."""

__version__ = "0.1.0"
