"""The double as a COM server in a process of its own, for Windows: windows and marshalling are the system's."""
