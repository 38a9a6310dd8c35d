"""What every live workbook needs, whichever program shows it: what to write, and when to look."""
