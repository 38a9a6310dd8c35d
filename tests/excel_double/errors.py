"""COM's failures as Excel gives them, and which of them a busy or dead Excel gives."""

from dataclasses import dataclass

DISP_E_EXCEPTION = 0x80020009
STRINGS = {
    0x80010001: "Call was rejected by callee.",
    0x8001010A: "The message filter indicated that the application is busy.",
    0x80010108: "The object invoked has disconnected from its clients.",
    0x8001010E: "The application called an interface that was marshalled for a different thread.",
    0x800401F0: "CoInitialize has not been called.",
    0x800706BA: "The RPC server is unavailable.",
    0x800706BE: "The remote procedure call failed.",
    0x80020003: "Member not found.",
    0x80020005: "Type mismatch.",
    0x80020006: "Unknown name.",
    0x8002000B: "Invalid index.",
    0x8002000E: "Invalid number of parameters.",
    0x8002000F: "Parameter not optional.",
    DISP_E_EXCEPTION: "Exception occurred.",
}


def signed(hresult: int) -> int:
    """An HRESULT as pywin32 gives it: 32 bits with a sign."""
    return hresult - (1 << 32) if hresult >= 1 << 31 else hresult


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failure of a COM call, by its unsigned HRESULT; with `scode` it arrives in an exception's details."""

    hresult: int
    scode: int | None = None
    description: str | None = None


REJECTED = Failure(hresult=0x80010001)
RETRY_LATER = Failure(hresult=0x8001010A)
IGNORED = Failure(hresult=0x800AC472)
IGNORED_IN_DETAILS = Failure(hresult=DISP_E_EXCEPTION, scode=0x800AC472)
REFUSED_BARE = Failure(hresult=0x800A03EC)
REFUSED = Failure(hresult=DISP_E_EXCEPTION, scode=0x800A03EC)
GONE = Failure(hresult=0x800706BA)
CALL_FAILED = Failure(hresult=0x800706BE)
DISCONNECTED = Failure(hresult=0x80010108)
WRONG_THREAD = Failure(hresult=0x8001010E)
NOT_INITIALIZED = Failure(hresult=0x800401F0)
UNKNOWN_NAME = Failure(hresult=0x80020006)
MEMBER_NOT_FOUND = Failure(hresult=0x80020003)
TYPE_MISMATCH = Failure(hresult=0x80020005)
BAD_PARAMETER_COUNT = Failure(hresult=0x8002000E)
PARAMETER_NOT_OPTIONAL = Failure(hresult=0x8002000F)
BAD_INDEX = Failure(hresult=DISP_E_EXCEPTION, scode=0x8002000B)

BUSY = (REJECTED, RETRY_LATER, IGNORED, IGNORED_IN_DETAILS)
"""What a busy Excel answers, each passing."""


class ExcelError(Exception):
    """A COM call failed. Its arguments are those of `pywintypes.com_error`."""

    def __init__(self, failure: Failure, description: str | None = None) -> None:
        self.failure = failure
        self.hresult = signed(failure.hresult)
        self.strerror = STRINGS.get(failure.hresult, f"OLE error 0x{failure.hresult:08x}")
        self.excepinfo: tuple[int, str | None, str | None, str | None, int, int] | None = None
        if failure.scode is not None:
            text = description or failure.description
            self.excepinfo = (0, "Microsoft Excel", text, None, 0, signed(failure.scode))
        super().__init__(self.hresult, self.strerror, self.excepinfo, None)


def refuse(description: str) -> ExcelError:
    """Excel's own error 1004."""
    return ExcelError(REFUSED, description)
