"""What a misspelled name probably means."""

from collections.abc import Collection
from difflib import get_close_matches


def nearest(term: str, names: Collection[str], *, form: str = "{}") -> str:
    """` (did you mean 'Berlin'?)`, or nothing where no name is close; `form` says how the name is written."""
    by_key = {name.casefold(): name for name in names}
    close = get_close_matches(term.casefold(), by_key, n=1, cutoff=0.6)
    return f" (did you mean {form.format(by_key[close[0]])!r}?)" if close else ""
