"""Why something cannot be done."""


class Missing(Exception):
    """The document has no such table, cell or sheet."""


class Moved(Exception):
    """A table does not stand where it was when it was read."""


class Protected(Exception):
    """The user protected the sheet."""


class Gone(Exception):
    """No document is attached to, or none any more."""
