"""How far long work is, shown on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from netstats_xl.ports import OnProgress, Progress


@contextmanager
def shown(console: Console | None = None) -> Iterator[OnProgress]:
    """Within the block what is told is shown as a bar for each thing that is done; where nobody looks, it is not."""
    console = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:

        def show(progress: Progress) -> None:
            if progress.doing not in tasks:
                tasks[progress.doing] = bars.add_task(progress.doing.capitalize())
            bars.update(tasks[progress.doing], completed=progress.done, total=max(progress.total, 1))

        yield show


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show that something goes on, where somebody looks."""
    console = Console()
    if not console.is_terminal:
        yield
        return
    with console.status(text):
        yield
