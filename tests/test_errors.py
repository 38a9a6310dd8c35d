import inspect
import re
from collections.abc import Iterator

from netstats_xl import errors
from netstats_xl.cli import EXIT_CODES
from netstats_xl.errors import CellError, NetstatsError, SheetInvalid


def tree(kind: type[NetstatsError], depth: int = 0) -> Iterator[tuple[int, str]]:
    yield depth, kind.__name__
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child, depth + 1)


def drawn() -> Iterator[tuple[int, str]]:
    for line in (errors.__doc__ or "").splitlines():
        if match := re.fullmatch(r"    ( *)([A-Z][A-Za-z]+)(?: {2,}.*)?", line):
            yield len(match[1]) // 2, match[2]


def test_the_docstring_draws_the_whole_tree() -> None:
    assert list(drawn()) == list(tree(NetstatsError))


def test_every_error_has_its_own_code_and_an_exit_code() -> None:
    kinds = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, NetstatsError)
    ]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert next(code for wanted, code in EXIT_CODES if issubclass(kind, wanted)) > 0


def test_what_is_retryable_is_drawn_so() -> None:
    retryable = set(re.findall(r"([A-Z][A-Za-z]+) +retryable", errors.__doc__ or ""))
    kinds = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, NetstatsError)
    ]
    assert {kind.__name__ for kind in kinds if kind.retryable} == retryable


def test_a_cell_error_names_sheet_cell_value_and_remedy() -> None:
    error = CellError(sheet="Jobs", cell="E4", value="soon", message="write 10s")
    assert str(error) == "Jobs!E4 holds 'soon': write 10s"
    blank = CellError(sheet="Jobs", cell="E4", value="", message="write 10s")
    assert str(blank) == "Jobs!E4: write 10s"
    assert SheetInvalid("bad", (error,)).cell_errors == (error,)
