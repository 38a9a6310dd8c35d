"""Charts on sheets: their series, as formulas over areas that follow their cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.excel_double.areas import Area, Rect, address, quoted
from tests.excel_double.cells import readable
from tests.excel_double.collections import Collection
from tests.excel_double.dispatch import Child, getter, method

if TYPE_CHECKING:
    from tests.excel_double.worksheet import Worksheet


class ChartObject(Child):
    """The frame of a chart on a sheet."""

    type_name = "ChartObject"

    def __init__(self, sheet: Worksheet, name: str) -> None:
        super().__init__(sheet)
        self.name = name
        self.chart = Chart(self)

    def check_alive(self) -> None:
        self.parent.check_alive()

    @getter("Name")
    def _name(self) -> str:
        return self.name

    @getter("Chart")
    def _chart(self) -> Chart:
        return self.chart


class Chart(Child):
    """A chart."""

    type_name = "Chart"

    def __init__(self, frame: ChartObject) -> None:
        super().__init__(frame)
        self.series: list[Series] = []

    def check_alive(self) -> None:
        self.parent.check_alive()

    @method("SeriesCollection")
    def _series_collection(self, index: object) -> object:
        collection = SeriesCollection(self, lambda: self.series)
        return collection if index is None else collection.find(index)


class SeriesCollection(Collection):
    """The series of a chart."""

    type_name = "SeriesCollection"


class Series(Child):
    """A series. `title`: its name, as text or as the area of one cell."""

    type_name = "Series"

    def __init__(
        self, chart: Chart, *, title: str | Area, categories: Area | None, values: Area | None
    ) -> None:
        super().__init__(chart)
        self.chart = chart
        self.title = title
        self.categories = categories
        self.values = values

    def check_alive(self) -> None:
        self.chart.check_alive()

    @property
    def name(self) -> str:
        """Its name as the legend shows it."""
        return self.title if isinstance(self.title, str) else str(_values(self.title)[0] or "")

    @getter("Name")
    def _name(self) -> str:
        return self.name

    @getter("Formula")
    def formula(self) -> str:
        """`=SERIES(name,categories,values,order)`."""
        title = f'"{self.title}"' if isinstance(self.title, str) else _reference(self.title)
        order = self.chart.series.index(self) + 1
        return f"=SERIES({title},{_reference(self.categories)},{_reference(self.values)},{order})"

    @getter("Values")
    def _values(self) -> tuple[object, ...]:
        return _values(self.values)

    @getter("XValues")
    def _x_values(self) -> tuple[object, ...]:
        return _values(self.categories)


def _reference(area: Area | None) -> str:
    if area is None:
        return ""
    return "#REF!" if area.rect is None else f"{quoted(area.sheet.name)}!{address(area.rect)}"


def _values(area: Area | None) -> tuple[object, ...]:
    if area is None or area.rect is None:
        return ()
    cells = [area.sheet.cells.get(place) for place in _places(area.rect)]
    return tuple(None if cell is None else readable(cell.value) for cell in cells)


def _places(rect: Rect) -> Sequence[tuple[int, int]]:
    return [
        (row, column)
        for row in range(rect.top, rect.bottom + 1)
        for column in range(rect.left, rect.right + 1)
    ]
