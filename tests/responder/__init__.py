"""A process that plays a network behind a TUN device. Standard library only: it imports nothing of the tests'.

It is a process of its own, so that nothing in the tests' interpreter can delay its replies; `tests.netlab` runs it.
"""
