"""A double of Excel: its COM object model, with Excel's behaviour for what this project uses.

    with windows_engine() as engine:            # xlwings' own Windows engine runs over the double
        excel = engine.run()                    # one more Excel on the desktop
        book = load_workbook(excel, template, r"C:\\Users\\Ann\\NetStats.xlsm")
        user = User(excel)

        import xlwings
        sheet = xlwings.apps.active.books["NetStats.xlsm"].api.Worksheets.Item("Jobs")
        ...
        with excel.calls.during() as calls:     # every COM call, also those that failed
            ...
        assert calls.counts["Range.Value2"] == 2 and len(calls) <= 10
        assert not DISTURBING & set(excel.calls.names)

        excel.faults.every(3, REJECTED)         # also: next, at, randomly, when, die_at, clear
        user.start_editing(); user.finish(); user.sort(book.table("Jobs"), "Name"); user.close(book)
        values(book.table("Jobs"))              # rows, looked at without a call; also excel.selection, .undo, ...

Without xlwings: `client(book).Worksheets.Item(1).Name`; `with fails(REJECTED): ...`.

`windows_engine(binding="late")` binds as pywin32 does where it could not generate classes. COM references that a test
or an adapter still holds are counted: `engine.references`; whether xlwings would kill Excels at the end of the
process: `engine.cleanup_registered`. Objects belong to the thread that got them, as in an STA.

On Windows, `lab.client.LabDesktop` starts the double as a COM server in processes of their own, found by their windows.

What is refused: everything that `object_model.json` does not have. What Excel has and the double does not do raises
`NotDoubled`. As pywin32 makes it of Excel's type library, `Range.Resize`, `Offset` and `Address` are properties whose
every parameter is optional: `rng.Resize(2, 3)` means `rng.Resize` and then its cell (2, 3). With arguments they are
`rng.GetResize(2, 3)`, `rng.GetOffset(1, 0)`, `rng.GetAddress(False, False)`.
"""

from tests.excel_double.application import ExcelApplication
from tests.excel_double.calls import DISTURBING, Access, Call, CallLog, Faults
from tests.excel_double.cells import ERRORS, NOT_AVAILABLE
from tests.excel_double.dispatch import NotDoubled
from tests.excel_double.errors import (
    BUSY,
    CALL_FAILED,
    DISCONNECTED,
    GONE,
    IGNORED,
    IGNORED_IN_DETAILS,
    REFUSED,
    REFUSED_BARE,
    REJECTED,
    RETRY_LATER,
    Failure,
)
from tests.excel_double.expecting import fails
from tests.excel_double.loading import add_chart, add_pivot, add_table, load_workbook, values
from tests.excel_double.model import object_model
from tests.excel_double.pywin32.binding import client
from tests.excel_double.pywin32.engine import WindowsEngine, windows_engine
from tests.excel_double.tables import ListObject
from tests.excel_double.user import User
from tests.excel_double.workbook import Workbook
from tests.excel_double.worksheet import Worksheet

__all__ = [
    "BUSY",
    "CALL_FAILED",
    "DISCONNECTED",
    "DISTURBING",
    "ERRORS",
    "GONE",
    "IGNORED",
    "IGNORED_IN_DETAILS",
    "NOT_AVAILABLE",
    "REFUSED",
    "REFUSED_BARE",
    "REJECTED",
    "RETRY_LATER",
    "Access",
    "Call",
    "CallLog",
    "ExcelApplication",
    "Failure",
    "Faults",
    "ListObject",
    "NotDoubled",
    "User",
    "WindowsEngine",
    "Workbook",
    "Worksheet",
    "add_chart",
    "add_pivot",
    "add_table",
    "client",
    "fails",
    "load_workbook",
    "object_model",
    "values",
    "windows_engine",
]
