"""The double as a real COM server of another process, for Windows: windows, marshalling and failures are the system's."""
