"""What goes wrong with a call into Excel, in the project's own errors: by the tables below, here alone."""

from enum import Enum

from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError


class Gone(WorkbookClosed):
    """The object that was called is no more: Excel ended, or the workbook was closed. Attach anew."""


class Refused(WorkbookError):
    """Excel will not do this: a sheet is protected, something is in the way."""


class Missing(Refused):
    """There is nothing of this name or number."""


class Verdict(Enum):
    """What an error of a call means."""

    BUSY = WorkbookBusy
    """Excel cannot answer now: a cell is being edited, a dialog is open, it is calculating. Nothing was done."""
    GONE = Gone
    REFUSED = Refused
    """Excel's answer to everything that it will not do; now and then also where it is busy."""
    MISSING = Missing
    FAILED = WorkbookError


_EXCEPTION = 0x80020009
"""DISP_E_EXCEPTION: what happened is in the exception's details. Look-ups of names have none."""

HRESULTS = {
    0x80010001: Verdict.BUSY,  # RPC_E_CALL_REJECTED
    0x8001010A: Verdict.BUSY,  # RPC_E_SERVERCALL_RETRYLATER
    0x80010100: Verdict.BUSY,  # RPC_E_SYS_CALL_FAILED: too many messages in its window's queue
    0x800AC472: Verdict.BUSY,  # VBA_E_IGNORE: a cell is being edited
    0x800706BA: Verdict.GONE,  # RPC_S_SERVER_UNAVAILABLE
    0x800706BE: Verdict.GONE,  # RPC_S_CALL_FAILED
    0x800706BF: Verdict.GONE,  # RPC_S_CALL_FAILED_DNE
    0x80010007: Verdict.GONE,  # RPC_E_SERVER_DIED
    0x80010012: Verdict.GONE,  # RPC_E_SERVER_DIED_DNE
    0x80010105: Verdict.GONE,  # RPC_E_SERVERFAULT: it crashed in the call
    0x80010108: Verdict.GONE,  # RPC_E_DISCONNECTED
    0x80004002: Verdict.GONE,  # E_NOINTERFACE: so answers the stub of a server that has ended
    0x800401FD: Verdict.GONE,  # CO_E_OBJNOTCONNECTED
    0x800A01A8: Verdict.GONE,  # VBA's error 424: the object was deleted
    0x800A03EC: Verdict.REFUSED,  # error 1004
    0x8002000B: Verdict.MISSING,  # DISP_E_BADINDEX
    0x800A0009: Verdict.MISSING,  # VBA's error 9: subscript out of range
    0x80020003: Verdict.REFUSED,  # DISP_E_MEMBERNOTFOUND
    0x80020006: Verdict.REFUSED,  # DISP_E_UNKNOWNNAME: so answers Protected View
    0x80020005: Verdict.FAILED,  # DISP_E_TYPEMISMATCH
    0x8002000E: Verdict.FAILED,  # DISP_E_BADPARAMCOUNT
    0x8002000F: Verdict.FAILED,  # DISP_E_PARAMNOTOPTIONAL
    0x8001010E: Verdict.FAILED,  # RPC_E_WRONG_THREAD
    0x800401F0: Verdict.FAILED,  # CO_E_NOTINITIALIZED
    0x80004005: Verdict.FAILED,  # E_FAIL
    0x80070005: Verdict.REFUSED,  # E_ACCESSDENIED: an Excel that runs as administrator
    0x8007000E: Verdict.FAILED,  # E_OUTOFMEMORY
}
"""By the number as Microsoft writes it, of the call or, where that is DISP_E_EXCEPTION, of its details."""

EXCEPTIONS: dict[str, Verdict] = {
    "ExcelBusyError": Verdict.BUSY,
    # What pywin32 makes of a call that was rejected while it looked for the member.
    "AttributeError": Verdict.BUSY,
    # pywintypes.error: the window that was looked at is no more.
    "error": Verdict.GONE,
    "OSError": Verdict.GONE,
}
"""By the name of the class, or of one that it inherits from, for errors without such a number."""

_TEXTS = {
    Verdict.BUSY: "Excel cannot answer now: a cell is being edited, or a dialog is open. "
    "It is tried again by itself; to speed it up, press Enter or close the dialog.",
    Verdict.GONE: "The workbook was closed in Excel, or Excel ended. Open it again to go on.",
    Verdict.REFUSED: "Excel refused it ({detail}). Is the sheet protected, or is something in the way?",
    Verdict.MISSING: "The workbook has nothing of this name ({detail}). Undo its removal.",
    Verdict.FAILED: "Excel failed ({detail}). If this stays, close Excel and open the workbook again.",
}


def verdict(error: Exception) -> Verdict:
    """What the error means; unknown numbers count as FAILED."""
    number = code(error)
    if number == _EXCEPTION and not getattr(error, "excepinfo", None):
        return Verdict.BUSY
    if number is not None:
        return HRESULTS.get(number, Verdict.FAILED)
    names = (each.__name__ for each in type(error).__mro__)
    return next((EXCEPTIONS[name] for name in names if name in EXCEPTIONS), Verdict.FAILED)


def code(error: Exception) -> int | None:
    """The HRESULT of a COM error without its sign; of one with details the one that these give, if any."""
    hresult = getattr(error, "hresult", None)
    if not isinstance(hresult, int):
        return None
    details = getattr(error, "excepinfo", None)
    scode = details[5] if details and len(details) > 5 else None
    if hresult & 0xFFFFFFFF == _EXCEPTION and scode:
        hresult = scode
    return hresult & 0xFFFFFFFF


def translated(error: Exception) -> WorkbookError:
    """The project's own error."""
    meaning = verdict(error)
    details = getattr(error, "excepinfo", None)
    told = details[2] if details and len(details) > 2 else None
    number = code(error)
    detail = str(told or getattr(error, "strerror", None) or error).strip()
    shown = f"0x{number:08X}: {detail}" if number is not None else detail
    kind: type[WorkbookError] = meaning.value
    return kind(_TEXTS[meaning].format(detail=shown.rstrip(".")))
