"""A live workbook that an Excel shows, a user at it, and a collector for it: where its stories play.

Only Excel is a double. The collector is what the ribbon's Start starts; on Windows it and the Excel are processes of
their own, elsewhere all of it is in this one.
"""

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import duckdb

from netstats_xl.control.client import ControlClient
from netstats_xl.errors import CompanionNotRunning, ControlError
from netstats_xl.paths import DataFolder
from netstats_xl.workbooks.macro_template import copy_template

PATIENCE_S = 60.0
PLACE = ("Büro & Söhne (1)", "100 %NOT_SET%'s ^net.xlsm")
"""Folder and name of the workbook: whatever a command line could stumble over."""
SAVED_ROUNDS = """
SELECT count(*) FROM samples JOIN destinations ON samples.destination = destinations.key
WHERE destinations.host = '127.0.0.1'
"""
RECORD = """
from pathlib import Path

def rows(name):
    found = book.table(name)
    return [dict(zip(found.headers, row)) for row in values(found)]

def put(name, number, header, value):
    found = book.table(name)
    column = chr(64 + found.column_rect(header).left)
    user.type(found.sheet, f"{column}{found.body.top + number}", value)

def cell(name):
    area = book.defined_name(name).refers_to
    found = area.sheet.cells.get((area.rect.top, area.rect.left))
    return found and found.value

def pivots():
    return [(cache.refreshes, cache.rows_seen) for cache in book.pivot_caches]

def show():
    global book, mine
    book = load_workbook(excel, Path(PLACE), PLACE)
    mine = book.add_sheet("Mine")
    user.add_column(book.table("Destinations"), "Contact", ["Ann", "Bob", "=1+1"])
    user.type(mine, "A1", "a note")
    user.type(mine, "B2", 42)
    user.select(mine, "B2")

def reopen():
    user.reopen(book)
    user.select(mine, "B2")

def own():
    selected = excel.selection
    return {
        "selected": (selected.sheet.name, str(selected.rect)),
        "own cells": sorted((place, each.value) for place, each in mine.cells.items()),
        "own column": [row["Contact"] for row in rows("Destinations")][:3],
        "copying ended": excel.copy_modes_ended,
        "disturbed": sorted(DISTURBING & set(excel.calls.names)),
    }
"""


class Excel(Protocol):
    """An Excel with the double's user, wherever it is."""

    @property
    def process_id(self) -> int:
        """Of its process."""
        ...

    def do(self, text: str) -> Any:
        """What a line of Python gives there; see `excel_double.lab.client.LabExcel`."""
        ...


class Scene(ABC):
    """One workbook, whose user, Excel and collector come and go."""

    excel: Excel

    def __init__(self, folder: Path) -> None:
        self.data = DataFolder(folder / "data")
        self.place = folder.joinpath(*PLACE)
        self.place.parent.mkdir()
        self.id = uuid.uuid4().hex
        copy_template(self.place, workbook_id=self.id)
        self.typed: dict[tuple[str, int, str], object] = {}
        """What the user typed last, by table, row and header."""
        self._own: object = None

    # --- for each platform ---

    @abstractmethod
    def open_excel(self) -> Excel:
        """An Excel that shows nothing yet."""

    @abstractmethod
    def press_start(self, window: int) -> None:
        """Do what the ribbon's Start does in this window."""

    @abstractmethod
    def kill_excel(self) -> None:
        """End Excel as a crash does."""

    @abstractmethod
    def await_end(self) -> None:
        """Wait until the collector has ended, with all that belongs to it."""

    # --- Excel and its user ---

    def show_workbook(self) -> None:
        """Start an Excel, and open the workbook in it as it was saved last."""
        self.excel = self.open_excel()
        self.excel.do(RECORD)
        self.excel.do(f"PLACE = {str(self.place)!r}")
        self.excel.do("show()")
        self.typed.clear()
        self._own = self.excel.do("own()")
        self.type("Destinations", 1, Name="second", Host="127.0.0.2", Notes="typed by hand")
        self.type("Destinations", 2, Name="third", Host="127.0.0.3")
        self.type("Jobs", 0, Name="Loop", Destinations="*", Interval="1s", Packets=2)
        self.type("Jobs", 0, **{"Packet interval (ms)": 50, "Timeout (ms)": 300})

    def type(self, table: str, row: int, **cells: object) -> None:
        """Type cells of a row, counted from 0."""
        for header, value in cells.items():
            self.excel.do(f"put({table!r}, {row}, {header!r}, {value!r})")
            self.typed[table, row, header] = value

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table with anything in their first column, by header."""
        rows: list[dict[str, Any]] = self.excel.do(f"rows({table!r})")
        return [row for row in rows if next(iter(row.values())) is not None]

    def row(self, table: str, name: str) -> dict[str, Any]:
        """The row of that name; empty: there is none."""
        return next((row for row in self.rows(table) if row["Name"] == name), {})

    def check_untouched(self) -> None:
        """Nothing that is the user's is other than he left it, and the collector is content."""
        own = self.excel.do("own()")
        assert own == self._own, own
        shown: dict[str, list[dict[str, Any]]] = {
            table: self.excel.do(f"rows({table!r})") for table in {key[0] for key in self.typed}
        }
        now = {(table, row, header): shown[table][row][header] for table, row, header in self.typed}
        assert now == self.typed, now
        warnings = self.health()["warnings"] if self.at_work else []
        assert warnings == [], warnings
        log = self.data.log(self.id).read_text(encoding="utf-8")
        assert "Internal error" not in log, log

    # --- the collector ---

    def client(self) -> ControlClient:
        """Who asks the collector at work."""
        return ControlClient.find(self.data.endpoint(self.id))

    def ask(self, question: Callable[[ControlClient], Any]) -> Any:
        """What the collector answers."""
        with self.client() as client:
            return question(client)

    @property
    def at_work(self) -> bool:
        """Whether a collector answers."""
        try:
            return bool(self.health())
        except ControlError:
            return False

    def health(self) -> Any:
        """How the collector is."""
        return self.ask(lambda client: client.health())

    def rounds(self) -> int:
        """How many rounds the job has made, by the collector's own count."""
        jobs = self.ask(lambda client: client.jobs())["jobs"]
        return sum(job["rounds_done"] for job in jobs)

    def saved_rounds(self) -> int:
        """How many rounds the database holds; nobody collects into it."""
        with duckdb.connect(str(self.data.database(self.id)), read_only=True) as database:
            (found,) = database.execute(SAVED_ROUNDS).fetchall()
        return int(found[0])

    def start(self) -> None:
        """Start the collector from the ribbon, and wait until it answers."""
        self.press_start(self.excel.do("book.window.handle"))
        until(lambda: self.at_work)

    def stop(self) -> None:
        """End the collector from the ribbon, and wait for it."""
        try:
            self.ask(lambda client: client.shutdown())
        except CompanionNotRunning:
            return
        self.await_end()

    def settle(self) -> None:
        """Whatever a story left behind: an Excel shows the workbook, and a collector feeds it."""
        self.excel.do("user.finish()")
        if not self.excel.do("excel.books"):
            self.excel.do("reopen()")
        if not self.at_work:
            self.start()
        self.ask(lambda client: client.pause_updates(False))
        until(lambda: self.health()["workbook_state"] == "open")


def until(holds: Callable[[], object], within_s: float = PATIENCE_S, what: object = "") -> None:
    """Wait until it holds; the test fails where that takes too long."""
    give_up_at_s, pause_s = time.monotonic() + within_s, 0.05
    while not holds():
        assert time.monotonic() < give_up_at_s, f"it took longer than {within_s} s: {what}"
        time.sleep(pause_s)
        pause_s = min(
            pause_s * 1.5, 0.4
        )  # each look may be a connection of its own, which slows what it waits for
