"""What a companion needs of the system that it runs on: being the only one, a log, being told to end, a start apart."""
