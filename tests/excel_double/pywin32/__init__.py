"""Stand-ins for the modules of pywin32, so that xlwings' own Windows engine runs over the double elsewhere."""
