"""xlwings' Windows engine, loaded when it is needed, and kept from what would hurt the user."""

import atexit
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from netstats_xl.errors import WorkbookError


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The modules that reach Excel. They are typed nowhere."""

    xl: Any
    """`xlwings._xlwindows`."""
    pythoncom: Any
    pywintypes: Any

    @property
    def exceptions(self) -> tuple[type[Exception], ...]:
        """What a call may raise; see `faults`. pywin32 takes some refusals for attributes that are missing."""
        return (
            self.pywintypes.com_error,
            self.pywintypes.error,
            self.xl.ExcelBusyError,
            AttributeError,
            OSError,
        )

    def is_object(self, value: object) -> bool:
        """Whether it is a COM object, and no plain value."""
        return isinstance(value, self.xl.COMRetryObjectWrapper)


def load_engine() -> Engine:
    """Import xlwings, which takes a second or two.

    Raises:
        WorkbookError: there is no xlwings for Excel here.
    """
    try:
        with _unseen("pandas", "matplotlib"):
            xl = importlib.import_module("xlwings._xlwindows")
        pythoncom = importlib.import_module("pythoncom")
        pywintypes = importlib.import_module("pywintypes")
    except ImportError as error:
        raise WorkbookError(
            f"Excel can only be driven on Windows, with the package xlwings installed ({error}). "
            "Elsewhere, give the workbook as a file: `netstats-xl run WORKBOOK.xlsx`."
        ) from error
    # It ends every Excel that shows no workbook (xlwings#2001).
    atexit.unregister(xl.cleanup)
    # Its default asks a busy Excel without end, and without a pause.
    vars(xl)["N_COM_ATTEMPTS"] = 1
    return Engine(xl=xl, pythoncom=pythoncom, pywintypes=pywintypes)


@contextmanager
def _unseen(*modules: str) -> Iterator[None]:
    """Keep modules that xlwings would import, if it could, from being imported: 50 MB that nothing here uses."""
    hidden = [name for name in modules if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # as `import` takes it: there is no such module
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
