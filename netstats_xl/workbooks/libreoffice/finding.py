"""Which of the documents that are open is the user's workbook."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from netstats_xl.workbooks.macro_template import UNDRAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A spreadsheet that is open in LibreOffice."""

    uid: str
    path: str
    """Empty: it was never saved. Of a file on the web its address."""
    identity: str
    """What its defined name holds, in lower case; empty: it has none."""

    @classmethod
    def told(cls, answer: Mapping[str, str]) -> "Document":
        """As `uno_side` tells it."""
        return cls(uid=answer["uid"], path=answer["path"], identity=plain_identity(answer["identity"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRef:
    """How the workbook is found among those that are open."""

    path: str
    """Where it was seen last."""
    guid: str = ""
    """Its identity; empty or zeros: it has none."""
    uid: str = ""
    """Which of the documents it was when it was seen last, as long as LibreOffice runs."""

    def seen(self, document: Document) -> "DocumentRef":
        """After it was found."""
        return replace(self, path=document.path or self.path, uid=document.uid)


def plain_identity(content: str) -> str:
    """The identity in the content of a defined name, which is a formula."""
    return content.strip().lstrip("=").strip('"').casefold()


def choose(
    documents: Sequence[Document],
    ref: DocumentRef,
    exists: Callable[[str], bool] = lambda path: Path(path).exists(),
) -> Document | None:
    """The workbook among the documents; None: it is not open.

    A document of its identity under another path is taken for it after Save As, or where its file was moved; not
    where the file is still there and a copy of it was opened.
    """
    known = "" if ref.guid == UNDRAWN else ref.guid
    for each in documents:
        if _same_file(each.path, ref.path) and (not known or each.identity in ("", known)):
            return each
    for each in documents:
        if known and each.identity == known and (each.uid == ref.uid or not exists(ref.path)):
            return each
    return None


def _same_file(one: str, other: str) -> bool:
    if not one or not other:
        return False
    if one == other:
        return True
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
