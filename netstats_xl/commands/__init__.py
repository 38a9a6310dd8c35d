"""What each command of the command line does: it asks, calls, and says what came of it."""
