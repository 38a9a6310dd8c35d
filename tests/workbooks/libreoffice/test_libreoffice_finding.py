"""Which of the documents that are open is the user's."""

from pathlib import Path

import pytest

from netstats_xl.workbooks.libreoffice.finding import Document, DocumentRef, choose, plain_identity

GUID, OTHER, ZEROS = "a" * 32, "b" * 32, "0" * 32


def document(path: str, identity: str = GUID, uid: str = "1") -> Document:
    return Document(uid=uid, path=path, identity=identity)


@pytest.mark.parametrize("content", ['"ABC"', '="ABC"', ' ="abc" ', "abc"])
def test_an_identity_is_read_out_of_a_formula(content: str) -> None:
    told = Document.told({"uid": "1", "path": "/a", "title": "a", "identity": content})
    assert told.identity == plain_identity(content) == "abc"


def test_the_one_at_its_path_is_taken_even_before_it_has_an_identity() -> None:
    both = [document("/other", OTHER), document("/net.ods", "", uid="2")]
    assert choose(both, DocumentRef(path="/net.ods", guid=GUID)) == both[1]
    assert choose(both, DocumentRef(path="/net.ods")) == both[1]


def test_another_workbook_at_its_path_is_not_taken() -> None:
    assert choose([document("/net.ods", OTHER)], DocumentRef(path="/net.ods", guid=GUID)) is None


def test_with_no_identity_drawn_the_path_alone_counts() -> None:
    ref = DocumentRef(path="/net.ods", guid=ZEROS)
    assert choose([document("/net.ods", OTHER)], ref) == document("/net.ods", OTHER)
    assert choose([document("/elsewhere.ods", ZEROS)], ref, lambda _: False) is None


def test_after_save_as_it_is_known_by_its_identity_and_a_copy_is_not_taken_for_it() -> None:
    saved_as = document("/new.ods", uid="7")
    ref = DocumentRef(path="/net.ods", guid=GUID, uid="7")
    assert choose([saved_as], ref, lambda _: True) == saved_as
    assert choose([document("/copy.ods", uid="8")], ref, lambda _: True) is None
    assert choose([document("/moved.ods", uid="8")], ref, lambda _: False) is not None


def test_one_that_was_never_saved_has_no_path_and_what_is_known_stays() -> None:
    assert choose([document("")], DocumentRef(path="", guid=OTHER)) is None
    seen = DocumentRef(path="/net.ods", guid=GUID).seen(document("", uid="3"))
    assert (seen.path, seen.uid) == ("/net.ods", "3")
    assert seen.seen(document("/b.ods", uid="4")).path == "/b.ods"


def test_one_file_under_two_names_is_the_same(tmp_path: Path) -> None:
    file, link = tmp_path / "net.ods", tmp_path / "sub" / ".." / "net.ods"
    file.write_bytes(b"")
    (tmp_path / "sub").mkdir()
    assert choose([document(str(link))], DocumentRef(path=str(file))) is not None
    assert choose([document(str(tmp_path / "other.ods"))], DocumentRef(path=str(file))) is None
