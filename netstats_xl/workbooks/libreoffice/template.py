"""Live workbooks for LibreOffice: the same design as Excel's, without macros, as .xlsx or .ods."""

import re
import tempfile
import zipfile
from pathlib import Path
from uuid import uuid4

from lxml import etree

from netstats_xl.files import replacing
from netstats_xl.workbooks import xlsx_identity
from netstats_xl.workbooks.libreoffice.program import require_program
from netstats_xl.workbooks.macro_template import ID_NAME
from netstats_xl.workbooks.template import libreoffice_template_view
from netstats_xl.workbooks.xlsx_faults import translating
from netstats_xl.workbooks.xlsx_writer import write_workbook

ODS = ".ods"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_ID = re.compile(r'"([0-9a-fA-F]{32})"')


def write_template(path: Path) -> None:
    """Write a new live workbook, whole or not at all; a file that exists is replaced. An .ods file takes some seconds.

    Raises:
        WorkbookError: it cannot be written; for .ods there is no LibreOffice.
    """
    view, identity = libreoffice_template_view(), uuid4().hex
    if path.suffix.casefold() != ODS:
        write_workbook(view, path, identity=identity)
        return
    program = require_program()
    with tempfile.TemporaryDirectory(prefix="netstats-xl-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        write_workbook(view, folder / "new.xlsx", identity=identity)
        converted = program.convert(folder / "new.xlsx", folder)
        with translating(path), replacing(path) as temporary:
            temporary.write_bytes(converted.read_bytes())


def read_identity(path: Path) -> str | None:
    """The ID that a workbook file carries, zeros where none was drawn; None where it carries none.

    A file that cannot be read carries none: whoever opens it will say what is wrong with it.
    """
    if path.suffix.casefold() != ODS:
        return xlsx_identity.read_identity(path)
    try:
        with zipfile.ZipFile(path) as package, package.open("content.xml") as part:
            parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
            root = etree.parse(part, parser).getroot()
    except (OSError, KeyError, zipfile.BadZipFile, etree.XMLSyntaxError, NotImplementedError, RuntimeError):
        return None
    for name in root.iter(f"{_TABLE}named-expression"):
        if name.get(f"{_TABLE}name", "").casefold() == ID_NAME.casefold():
            found = _ID.search(name.get(f"{_TABLE}expression", ""))
            return found[1].lower() if found else None
    return None
