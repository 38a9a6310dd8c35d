"""The scene of a live workbook in one process: the double stands in for pywin32, and the collector is a thread."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from netstats_xl import cli, ribbon
from netstats_xl.commands import collect
from tests import excel_double
from tests.e2e.live_scene import PATIENCE_S, Scene
from tests.excel_double import ExcelApplication, User, WindowsEngine, windows_engine


class NearExcel:
    """An Excel in this process."""

    def __init__(self, application: ExcelApplication) -> None:
        self._application = application
        self._names: dict[str, object] = {
            **{name: getattr(excel_double, name) for name in excel_double.__all__},
            "excel": application,
            "user": User(application),
        }

    @property
    def process_id(self) -> int:
        return self._application.process_id

    def do(self, text: str) -> Any:
        with self._application.lock:
            try:
                code = compile(text, "<test>", "eval")
            except SyntaxError:
                exec(compile(text, "<test>", "exec"), self._names)
                return None
            return eval(code, self._names)


class NearScene(Scene):
    """Everything in this process."""

    def __init__(self, folder: Path, engine: WindowsEngine) -> None:
        super().__init__(folder)
        self._engine = engine
        self._collector: threading.Thread | None = None

    def open_excel(self) -> NearExcel:
        return NearExcel(self._engine.run())

    def press_start(self, window: int) -> None:
        ribbon.start(self.id, window, str(self.place))

    def kill_excel(self) -> None:
        self.excel.do("user.quit()")

    def run(self, arguments: Sequence[str], *, folder: Path, output: Path) -> None:
        """Run a command line on its own, as `start_detached` does in a process."""

        def work() -> None:
            with pytest.raises(SystemExit) as ended:
                cli.main(arguments)
            assert ended.value.code in (0, None)

        self._collector = threading.Thread(target=work, name="collector")
        self._collector.start()

    def await_end(self) -> None:
        assert self._collector is not None
        self._collector.join(PATIENCE_S)
        assert not self._collector.is_alive(), "the collector does not end"


@contextmanager
def near_scene(folder: Path) -> Iterator[NearScene]:
    """A scene with its workbook shown."""
    with pytest.MonkeyPatch.context() as patch, windows_engine() as engine:
        scene = NearScene(folder, engine)
        patch.setenv("NETSTATS_XL_DATA", str(scene.data.path))
        patch.setattr(ribbon, "start_detached", scene.run)
        # Signals reach the main thread alone.
        patch.setattr(collect, "ending_on_signals", lambda stop: nullcontext())
        scene.show_workbook()
        try:
            yield scene
        finally:
            scene.stop()
