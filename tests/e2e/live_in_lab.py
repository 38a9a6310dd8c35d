"""The scene of a live workbook on Windows: Excel and collector are processes of their own, COM is the system's."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.e2e.live_scene import PATIENCE_S, Scene, until
from tests.excel_double.lab.client import ROOT, LabDesktop, LabExcel
from tests.workbook_template.runpython import run_python

RUN = """
import subprocess

def run(command, output):
    global running
    with open(output, "wb") as file:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
"""


class LabScene(Scene):
    """Everything in processes of its own."""

    def __init__(self, folder: Path, desktop: LabDesktop) -> None:
        super().__init__(folder)
        self.desktop = desktop
        self.log = folder / "xlwings.log"
        self.processes: list[psutil.Process] = []
        """Of the collector that was started last: its own first, then those that it started."""

    def open_excel(self) -> LabExcel:
        excel = self.desktop.start_excel()
        excel.do(RUN)
        return excel

    def press_start(self, window: int) -> None:
        """Run in Excel's own process what xlwings' RunPython does: so the collector gets Excel's desktop."""
        command = run_python(
            Path(sys.executable), str(self.place), str(self.log), workbook_id=self.id, window=window
        )
        self.excel.do(f"run({command!r}, {str(self.log.with_suffix('.said'))!r})")
        until(lambda: self.excel.do("running.poll()") is not None)
        assert self.excel.do("running.returncode") == 0, self.log.read_text(errors="replace")

    def kill_excel(self) -> None:
        assert isinstance(self.excel, LabExcel)
        self.excel.kill()

    def start(self) -> None:
        super().start()
        process = psutil.Process(self.health()["process"])
        self.processes = [process, *process.children(recursive=True)]

    def await_end(self) -> None:
        _, alive = psutil.wait_procs(self.processes, PATIENCE_S)
        assert not alive, "the collector does not end"

    def kill_collector(self) -> None:
        """End its process at once, as a crash does."""
        self.processes[0].kill()
        self.await_end()


@contextmanager
def lab_scene(folder: Path) -> Iterator[LabScene]:
    """A scene with its workbook shown."""
    with pytest.MonkeyPatch.context() as patch:
        desktop = LabDesktop(folder)
        scene = LabScene(folder, desktop)
        patch.setenv("NETSTATS_XL_DATA", str(scene.data.path))
        # The lab's Python reads the second, any other the first.
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("NETSTATS_WINLAB_CWD", str(ROOT))
        try:
            scene.show_workbook()
            yield scene
        finally:
            try:
                scene.stop()
            finally:
                desktop.close()
