"""A workbook that is open in Excel, fed and read while its user works in it.

Excel belongs to its user: it is never started, opened, closed, activated or waited for here, and nothing but values
of the project's own tables and cells is written. See `docs/decisions/0014-a-live-workbook-is-fed-not-built.md`.
"""
