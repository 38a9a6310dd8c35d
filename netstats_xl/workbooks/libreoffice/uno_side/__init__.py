"""The other half of this package: it runs in LibreOffice's own Python, and answers in lines of JSON.

It is run as a folder, by a Python that can import `uno`, which may be as old as 3.8; it imports nothing else of the
project. Each line on its standard input asks for one thing, `{"id": 1, "do": "read", ...}`; the answer is
`{"id": 1, "is": ...}`, or `{"id": 1, "error": kind, "message": ...}`. What nobody asked for, such as a change by the
user, is told in lines with `event`. It ends where its standard input does.

Cells are counted from 0. A cell is null where it is blank, text, a number, or `{"error": "#N/A"}`.
"""
