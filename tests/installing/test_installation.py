"""Installing and uninstalling on a fake Windows: what lies where afterwards."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from netstats_xl.errors import InstallError
from netstats_xl.installing import plan, record, removal, survey
from netstats_xl.installing.edges import Hive, Shortcut
from netstats_xl.installing.execution import Installation
from netstats_xl.installing.interpreter import interpreter_of, judge
from netstats_xl.installing.plan import COLLECTOR_LINK, MENU_FOLDER, WORKBOOK_LINK, Adopt, InstallStep, Leave
from netstats_xl.installing.record import Record
from netstats_xl.installing.removal import RemovalStep
from netstats_xl.paths import DataFolder
from tests.installing.fakes import FakeShortcuts, FakeWindows

TEMPLATE = b"a workbook"


class Product:
    """Installs and uninstalls as the commands do, and remembers what was said."""

    def __init__(self, windows: FakeWindows) -> None:
        self.windows = windows
        self.data = DataFolder(windows.folders.local_data() / "netstats_xl")
        self.record_path = self.data.path / record.FILE_NAME
        self.said: list[str] = []
        self.python = windows.python
        self.conf = windows.root / ".netstats_xl" / "netstats_xl.conf"
        self.menu = windows.folders.programs() / MENU_FOLDER
        self.workbook = windows.folders.documents() / "NetStats.xlsm"

    def copy_template(self, path: Path) -> None:
        path.write_bytes(TEMPLATE)
        path.with_name(f"{path.name}:Zone.Identifier").write_text("[ZoneTransfer]\r\nZoneId=3\r\n")

    def steps(self, workbook: Path | None = None) -> Sequence[InstallStep]:
        known = record.load(self.record_path) or Record()
        place = survey.workbook_place(workbook, known, self.windows.folders.documents())
        return plan.plan_install(survey.look_around(self.windows.edges, place, self.python), known)

    def install(self, workbook: Path | None = None) -> list[str]:
        made = self._installation()
        made.install(self.steps(workbook))
        return made.problems

    def removal(self, *, remove_data: bool = False) -> Sequence[RemovalStep]:
        known = record.load(self.record_path) or Record()
        remains = survey.look_at_remains(self.windows.edges, known, self.data)
        return removal.plan_removal(known, remains, remove_data=remove_data)

    def uninstall(self, *, remove_data: bool = False) -> list[str]:
        made = self._installation()
        made.remove(self.removal(remove_data=remove_data))
        return made.problems

    def _installation(self) -> Installation:
        return Installation(
            edges=self.windows.edges,
            record=record.load(self.record_path) or Record(),
            record_path=self.record_path,
            copy_template=self.copy_template,
            say=self.said.append,
        )


@pytest.fixture
def product(windows: FakeWindows) -> Product:
    return Product(windows)


def test_installing_puts_everything_in_its_place(product: Product) -> None:
    before = product.windows.files()
    assert product.install() == []
    assert product.workbook.read_bytes() == TEMPLATE
    assert not product.windows.edges.marks.marked(product.workbook)
    assert product.conf.read_bytes() == (
        b'"INTERPRETER_WIN","%LOCALAPPDATA%\\netstats_xl\\venv\\Scripts\\python.exe"\r\n'
    )
    links = FakeShortcuts()
    opens = links.read(product.menu / WORKBOOK_LINK)
    starts = links.read(product.menu / COLLECTOR_LINK)
    assert opens is not None
    assert opens.target == str(product.workbook)
    assert starts is not None
    assert starts.target == str(product.python.windowed)
    assert starts.arguments == f'-P -m netstats_xl start "{product.workbook}"'
    assert len(product.windows.files() - before) == 5
    assert [said[:5] for said in product.said] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]


def test_a_plan_touches_nothing(product: Product) -> None:
    before = product.windows.files()
    assert [plan.tell(step).split(" ", 1)[0] for step in product.steps()] == ["Copy", "Write", "Put", "Put"]
    assert product.windows.files() == before


def test_installing_again_changes_nothing(product: Product) -> None:
    product.install()
    product.workbook.write_bytes(b"the user's own rows")
    before = {path: path.read_bytes() for path in product.windows.root.rglob("*") if path.is_file()}
    product.said.clear()
    assert product.install() == []
    assert {path: path.read_bytes() for path in product.windows.root.rglob("*") if path.is_file()} == before
    assert all("Keep" in said for said in product.said)


def test_uninstalling_leaves_the_workbook_and_nothing_else(product: Product) -> None:
    before = product.windows.files()
    product.install()
    assert product.uninstall() == []
    assert product.windows.files() - before == {"Documents/NetStats.xlsm"}
    assert not product.menu.exists()
    assert not product.conf.parent.exists()
    assert any("Keep your workbook" in said for said in product.said)


def test_a_workbook_that_was_there_is_never_touched(product: Product) -> None:
    product.workbook.write_bytes(b"mine")
    product.install()
    assert product.workbook.read_bytes() == b"mine"
    product.uninstall(remove_data=True)
    assert product.workbook.read_bytes() == b"mine"


def test_settings_of_the_user_stay_and_come_back(product: Product) -> None:
    product.conf.parent.mkdir()
    before = b'"PYTHONPATH","D:\\lib"\r\n"INTERPRETER_WIN","C:\\own\\python.exe"\r\n'
    product.conf.write_bytes(before)
    product.install()
    assert b'"PYTHONPATH","D:\\lib"\r\n' in product.conf.read_bytes()
    assert b"own" not in product.conf.read_bytes()
    product.install()
    product.uninstall()
    assert product.conf.read_bytes() == before


def test_settings_that_the_user_changed_since_stay(product: Product) -> None:
    product.install()
    mine = b'"INTERPRETER_WIN","C:\\mine.exe"\r\n"SHOW CONSOLE","True"\r\n'
    product.conf.write_bytes(mine)
    product.uninstall()
    assert product.conf.read_bytes() == mine


def test_a_moved_environment_is_written_anew_and_the_users_value_still_comes_back(product: Product) -> None:
    product.conf.parent.mkdir()
    product.conf.write_bytes(b'"INTERPRETER_WIN","C:\\own.exe"\r\n')
    product.install()
    product.python = interpreter_of(Path("D:/elsewhere/python.exe"), "D:/base")
    product.install()
    assert b"elsewhere" in product.conf.read_bytes()
    starts = FakeShortcuts().read(product.menu / COLLECTOR_LINK)
    assert starts is not None
    assert "elsewhere" in starts.target
    product.uninstall()
    assert product.conf.read_bytes() == b'"INTERPRETER_WIN","C:\\own.exe"\r\n'


def test_a_shortcut_that_the_user_changed_stays_at_both(product: Product) -> None:
    product.install()
    changed = Shortcut(target="C:\\other.exe")
    FakeShortcuts().write(product.menu / COLLECTOR_LINK, changed)
    product.install()
    product.uninstall()
    assert FakeShortcuts().read(product.menu / COLLECTOR_LINK) == changed
    assert not (product.menu / WORKBOOK_LINK).exists()
    assert any("it was changed since" in said for said in product.said)


def test_a_file_of_that_name_that_is_no_shortcut_stays(product: Product) -> None:
    product.menu.mkdir()
    (product.menu / WORKBOOK_LINK).write_text("mine")
    assert product.install() == []
    product.uninstall()
    assert (product.menu / WORKBOOK_LINK).read_text() == "mine"


def test_shortcuts_are_taken_as_the_same_whatever_the_case_of_the_target() -> None:
    one = Shortcut(target="C:\\A.EXE", arguments="x")
    assert plan.same(one, Shortcut(target="c:\\a.exe", arguments="x", description="other"))
    assert not plan.same(one, Shortcut(target="c:\\a.exe", arguments="X"))
    assert not plan.same(one, None)


def test_shortcuts_that_are_gone_are_made_again(product: Product) -> None:
    product.install()
    (product.menu / WORKBOOK_LINK).unlink()
    product.install()
    assert (product.menu / WORKBOOK_LINK).exists()


def test_what_is_right_already_is_adopted_where_the_record_was_lost(product: Product) -> None:
    product.install()
    product.record_path.unlink()
    product.install()
    product.uninstall()
    assert not product.menu.exists() or not list(product.menu.iterdir())
    assert product.workbook.exists()


def test_a_second_workbook_becomes_the_one_of_the_start_menu(product: Product, tmp_path: Path) -> None:
    product.install()
    second = tmp_path / "team" / "Second.xlsm"
    assert product.install(second) == []
    opens = FakeShortcuts().read(product.menu / WORKBOOK_LINK)
    assert opens is not None
    assert opens.target == str(second)
    assert product.install() == []  # again without naming it: the latest stays the one
    assert FakeShortcuts().read(product.menu / WORKBOOK_LINK) == opens
    product.uninstall()
    assert second.exists()
    assert product.workbook.exists()


def test_measurements_stay_unless_told(product: Product) -> None:
    product.install()
    for path in (product.data.database("a"), product.data.log("a"), product.data.record("a")):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    venv = product.data.path / "venv" / "pyvenv.cfg"
    venv.parent.mkdir()
    venv.write_text("x")
    product.uninstall()
    assert product.data.database("a").exists()
    assert any("Keep your measurements" in said for said in product.said)
    product.install()
    product.uninstall(remove_data=True)
    assert list(product.data.path.iterdir()) == [venv.parent]  # the environment that runs this


def test_a_step_that_fails_is_told_and_the_others_are_done(product: Product) -> None:
    product.windows.folders.documents().rmdir()
    product.windows.folders.documents().write_text("in the way")
    (problem,) = product.install()
    assert "NetStats.xlsm" in problem
    assert (product.menu / WORKBOOK_LINK).exists()
    assert product.uninstall() == []


def test_an_error_of_the_product_itself_is_told_in_its_words(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise InstallError("The template is damaged.")

    monkeypatch.setattr(product, "copy_template", fail)
    (problem,) = product.install()
    assert problem.endswith("The template is damaged.")


def test_a_removal_that_failed_can_be_tried_again(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    product.install()
    real = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".lnk":
            raise PermissionError(13, "in use", str(path))
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert len(product.uninstall()) == 2
    monkeypatch.undo()
    assert product.uninstall() == []
    assert not product.menu.exists()


def test_removing_when_things_are_gone_already_is_no_problem(product: Product) -> None:
    product.install()
    product.workbook.unlink()
    product.conf.unlink()
    for link in product.menu.iterdir():
        link.unlink()
    assert product.uninstall() == []
    assert product.uninstall() == []


def test_nothing_of_ours_in_the_settings_is_said_so(product: Product) -> None:
    product.install()
    product.conf.write_bytes(b'"A","1"\r\n')
    product.uninstall()
    assert product.conf.read_bytes() == b'"A","1"\r\n'
    assert any("nothing of this product" in said for said in product.said)


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', '{"format": 1}', "\udcff"])
def test_a_record_that_cannot_be_read_is_told_with_its_place(tmp_path: Path, content: str) -> None:
    path = tmp_path / "installed.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InstallError, match=r"installed\.json"):
        record.load(path)


def test_a_record_comes_back_as_it_was_kept(product: Product) -> None:
    product.install()
    known = record.load(product.record_path)
    assert known is not None
    record.save(known, product.record_path)
    assert record.load(product.record_path) == known
    assert json.loads(product.record_path.read_text(encoding="utf-8"))["format"] == 1


def test_every_step_has_its_sentence(product: Product) -> None:
    product.install()
    told = [removal.tell(step) for step in product.removal(remove_data=True)]
    assert all(told)
    assert plan.tell(Adopt(says="a")) == plan.tell(Leave(says="a")) == "a"


@pytest.mark.parametrize(
    ("name", "goes_to"), [("x.xlsm", "x.xlsm"), (".", "NetStats.xlsm"), ("X.XLSM", "X.XLSM")]
)
def test_the_workbook_goes_where_the_user_says(tmp_path: Path, name: str, goes_to: str) -> None:
    assert survey.workbook_place(tmp_path / name, Record(), tmp_path / "d") == tmp_path / goes_to


def test_a_workbook_that_cannot_hold_macros_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"ends in \.xlsm"):
        survey.workbook_place(tmp_path / "x.xlsx", Record(), tmp_path)


def test_findings_come_from_all_that_was_looked_at(product: Product) -> None:
    windows = product.windows
    windows.registry.set(Hive.CLASSES, r"Excel.Application\CurVer", "", "Excel.Application.15")
    windows.registry.set(
        Hive.USER, r"Software\Policies\Microsoft\Office\15.0\Excel\Security", "vbawarnings", 4
    )
    windows.folders.onedrive = (windows.folders.documents().parent,)
    product.python = interpreter_of(
        Path("python.exe"), r"C:\Program Files\WindowsApps\PythonSoftwareFoundation.Python.3.13_1"
    )
    situation = survey.look_around(windows.edges, product.workbook, product.python)
    texts = " ".join(map(str, survey.find_problems(windows.edges, situation, calls_windows=False)))
    for part in ("Microsoft Store", "Excel 2016", r"15.0\Excel\Security", "OneDrive"):
        assert part in texts
    assert judge(windows.python) == ()


def test_a_kept_workbook_with_the_mark_is_found(product: Product) -> None:
    product.copy_template(product.workbook)
    product.windows.registry.set(Hive.CLASSES, r"Excel.Application\CurVer", "", "Excel.Application.16")
    situation = survey.look_around(product.windows.edges, product.workbook, product.python)
    (finding,) = survey.find_problems(product.windows.edges, situation, calls_windows=False)
    assert "marked as a file from the internet" in finding.what
    product.install()
    assert product.windows.edges.marks.marked(product.workbook)  # it is the user's file
