"""Files of other programs, read row by row: a parser a format, each told by its content."""
