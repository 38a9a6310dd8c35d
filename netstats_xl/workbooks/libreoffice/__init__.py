"""A workbook that is open in LibreOffice Calc, fed and read while its user works in it.

LibreOffice's objects are reached from LibreOffice's own Python alone (`uno_side`), which runs as a child process and is
talked to in lines of JSON over its pipes: nobody has to match versions. See
`docs/decisions/0034-live-in-libreoffice.md`.
"""
