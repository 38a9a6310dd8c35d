"""What tests expect of calls."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.excel_double.errors import REFUSED, Failure, signed
from tests.excel_double.pywin32.interfaces import com_error


@contextmanager
def fails(failure: Failure = REFUSED) -> Iterator[pytest.ExceptionInfo[com_error]]:
    """The call within fails like this: as a com_error of that HRESULT and, where it has one, of that scode."""
    with pytest.raises(com_error) as caught:
        yield caught
    assert caught.value.hresult == signed(failure.hresult), caught.value
    if failure.scode is not None:
        details = caught.value.excepinfo
        assert isinstance(details, tuple)
        assert details[5] == signed(failure.scode), caught.value
