"""What goes wrong while a workbook is written, in the project's own errors: by the tables below, here alone."""

import errno
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xlsxwriter import exceptions as xlsx

from netstats_xl.errors import ViewUnsupported, WorkbookError

_CLOSE_OR_ALLOW = "Close the programs that have it open, or choose a folder that you may write to."
_FREE_SPACE = "Free some space there and in the folder for temporary files, or choose another folder."
OS_FAULTS = {
    errno.ENOSPC: ("the disk is full", _FREE_SPACE),
    errno.EDQUOT: ("your quota on this disk is used up", _FREE_SPACE),
    errno.EFBIG: ("the file would be larger than the disk's format allows", _FREE_SPACE),
    errno.EACCES: ("it, or its folder, may not be written", _CLOSE_OR_ALLOW),
    errno.EPERM: ("it, or its folder, may not be written", _CLOSE_OR_ALLOW),
    errno.EBUSY: ("another program has it open", _CLOSE_OR_ALLOW),
    errno.EROFS: ("the disk is read-only", "Choose another folder."),
    errno.ENOENT: ("its folder does not exist", "Create the folder, or choose another one."),
    errno.ENOTDIR: ("its folder is a file", "Choose another folder."),
    errno.EISDIR: ("it is a folder", "Name a file."),
    errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter name."),
    errno.EINVAL: ("its name has characters that no file may have", "Choose another name."),
}
"""What an error number means for the file, and the remedy. Any other number is told in the system's words."""

XLSXWRITER_FAULTS: dict[type[Exception], type[WorkbookError]] = {
    xlsx.EmptyChartSeries: ViewUnsupported,
    xlsx.DuplicateTableName: ViewUnsupported,
    xlsx.InvalidWorksheetName: ViewUnsupported,
    xlsx.DuplicateWorksheetName: ViewUnsupported,
    xlsx.OverlappingRange: ViewUnsupported,
    xlsx.UndefinedImageSize: ViewUnsupported,
    xlsx.UnsupportedImageFormat: ViewUnsupported,
    xlsx.ThemeFileError: ViewUnsupported,
    xlsx.FileSizeError: ViewUnsupported,
    xlsx.FileCreateError: WorkbookError,
    xlsx.XlsxInputError: ViewUnsupported,
    xlsx.XlsxFileError: WorkbookError,
    xlsx.XlsxWriterException: WorkbookError,
}
"""The table for XlsxWriter's own exceptions; the class itself decides, not one that it inherits from."""


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Turn what the operating system, XlsxWriter and zipfile raise into a WorkbookError that names `path`."""
    try:
        yield
    except (OSError, xlsx.XlsxWriterException, zipfile.LargeZipFile) as error:
        raise translated(error, path) from error


def translated(error: Exception, path: Path) -> WorkbookError:
    """The error for what was raised while `path` was written."""
    inner = error.args[0] if isinstance(error, xlsx.FileCreateError) and error.args else error
    if isinstance(inner, OSError):
        number = inner.errno if inner.errno is not None else 0
        what, remedy = OS_FAULTS.get(
            number, (inner.strerror or str(inner), "Try again, or choose another folder.")
        )
        return WorkbookError(f"{path} cannot be written: {what}. {remedy}")
    if isinstance(error, zipfile.LargeZipFile):
        return ViewUnsupported(
            f"{path} cannot be written: it would be too large. Choose a shorter time range."
        )
    return XLSXWRITER_FAULTS[type(error)](f"{path} cannot be written: {error}")
