"""xlwings' settings: what is added, what stays byte by byte, and what xlwings reads of it."""

import importlib
import re
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl import wiring
from netstats_xl.errors import InstallError
from netstats_xl.installing import xlwings_conf
from netstats_xl.installing.xlwings_conf import encoded, merged, settings, values
from netstats_xl.workbooks.macro_template import template_path


def test_a_new_file_holds_quoted_pairs_with_windows_line_ends() -> None:
    assert merged(b"", {"INTERPRETER_WIN": b"C:\\p.exe", "X": b"False"}) == (
        b'"INTERPRETER_WIN","C:\\p.exe"\r\n"X","False"\r\n'
    )


def test_other_keys_comments_and_odd_bytes_stay_as_they_are() -> None:
    before = (
        b'"PYTHONPATH","D:\\caf\xe9;\x85"\r\nnot a setting\r\n\r\n"interpreter_win","python"\r\n"LAST","1"'
    )
    after = merged(before, {"INTERPRETER_WIN": b"new", "MORE": b"2"})
    assert after == (
        b'"PYTHONPATH","D:\\caf\xe9;\x85"\r\nnot a setting\r\n\r\n'
        b'"INTERPRETER_WIN","new"\r\n"LAST","1"\r\n"MORE","2"\r\n'
    )


def test_a_key_written_twice_stands_there_once_afterwards() -> None:
    assert merged(b'"A","1"\n"B","2"\n"a","3"\n', {"A": b"9"}) == b'"A","9"\n"B","2"\n'


def test_a_key_is_taken_out_again() -> None:
    assert merged(b'"A","1"\r\n"B","2"\r\n', {"A": None, "C": None}) == b'"B","2"\r\n'


def test_the_first_line_of_a_key_counts_whatever_its_case() -> None:
    assert values(b'"a","1"\r\n"A","2"\r\nB , 3\r\n') == {"A": b"1", "B": b"3"}


LINES = st.lists(
    st.tuples(
        st.text("ABCdef _", min_size=1).map(str.strip).filter(bool),
        st.binary(max_size=8).map(lambda raw: re.sub(rb'[\r\n"]', b"", raw).strip()),
    ),
    max_size=6,
)


@given(
    pairs=LINES, wanted=st.dictionaries(st.sampled_from(["A", "INTERPRETER_WIN"]), st.just(b"v"), min_size=1)
)
def test_merging_changes_what_is_wanted_and_nothing_else(
    pairs: list[tuple[str, bytes]], wanted: dict[str, bytes]
) -> None:
    before = b"".join(b'"%s","%s"\r\n' % (key.encode(), value) for key, value in pairs)
    after = merged(before, wanted)
    assert values(after) == {**values(before), **wanted}
    assert merged(after, wanted) == after


def test_a_path_in_the_profile_is_told_by_a_variable_and_so_is_plain_ascii() -> None:
    local = PureWindowsPath(r"C:\Users\Łucja Żak\AppData\Local")
    found = settings(
        local / "netstats_xl" / "venv" / "Scripts" / "python.exe",
        {"LOCALAPPDATA": local, "USERPROFILE": local.parent.parent},
    )
    assert found == {"INTERPRETER_WIN": r"%LOCALAPPDATA%\netstats_xl\venv\Scripts\python.exe"}
    elsewhere = settings(PureWindowsPath(r"D:\venv\python.exe"), {"LOCALAPPDATA": local})
    assert elsewhere["INTERPRETER_WIN"] == r"D:\venv\python.exe"


def test_a_path_that_the_code_page_lacks_is_told() -> None:
    assert encoded({"A": "é"}, "cp1252") == {"A": b"\xe9"}
    with pytest.raises(InstallError, match="code page"):
        encoded({"A": "D:\\東京\\python.exe"}, "cp1252")


def test_xlwings_itself_reads_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xlwings = pytest.importorskip("xlwings", reason="xlwings is for development only, but on Windows")
    utils = importlib.import_module("xlwings.utils")
    path = tmp_path / "x.conf"
    path.write_bytes(merged(b'"OTHER","1"\r\n', {"INTERPRETER_WIN": b"C:\\p q\\python.exe"}))
    monkeypatch.setattr(xlwings, "USER_CONFIG_FILE", str(path))
    assert utils.read_user_config() == {"other": "1", "interpreter_win": r"C:\p q\python.exe"}


def test_the_file_is_the_one_that_the_template_asks_for() -> None:
    assert xlwings_conf.conf_path(Path("home")) == Path("home", ".netstats_xl", "netstats_xl.conf")
    assert re.findall(r'Const PROJECT_NAME As String = "([^"]+)"', macros()) == [xlwings_conf.PROJECT_NAME]


def test_whether_the_macros_declare_functions_of_windows_is_told_rightly() -> None:
    code = re.sub(r"^\s*'.*$", "", macros(), flags=re.MULTILINE)
    assert bool(re.search(r"\bDeclare\b.*\bLib\b", code)) is wiring.template_calls_windows()


def macros() -> str:
    olevba = pytest.importorskip("oletools.olevba", reason="a development tool")
    return "\n".join(code for *_, code in olevba.VBA_Parser(str(template_path())).extract_macros())
