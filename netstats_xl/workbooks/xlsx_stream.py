"""Rows of large tables, written straight to the XML of their sheet, a few hundred in memory at a time."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import assert_never

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Row, TableSpec
from netstats_xl.workbooks.xlsx_formats import ColumnFormats, Formats
from netstats_xl.workbooks.xlsx_references import column_letters
from netstats_xl.workbooks.xlsx_tables import Tap, checked_rows, column_formats, table_rows
from netstats_xl.workbooks.xlsx_values import Sort, stored

_BATCH = 500
_ESCAPE_LOOKALIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_Render = Callable[[CellValue, int], str]


def spool_rows(
    path: Path, table: TableSpec, rows: Iterable[Row], formats: Formats, taps: Iterable[Tap]
) -> int:
    """Write the table's rows, spare ones included, to a file as `<row>` elements; how many hold data."""
    taps = tuple(taps)
    renders = [
        _render_of(column_letters(offset), column_formats(formats, column))
        for offset, column in enumerate(table.columns, start=table.anchor.column)
    ]
    number = table.anchor.row + 1
    source = iter(checked_rows(table, rows))
    with path.open("wb") as file:
        while batch := list(islice(source, _BATCH)):
            parts: list[str] = []
            for row in batch:
                number += 1
                for tap in taps:
                    tap(row)
                parts.append(f'<row r="{number}">')
                parts += [render(value, number) for render, value in zip(renders, row, strict=True)]
                parts.append("</row>")
            file.write("".join(parts).encode())
        filled = number - table.anchor.row - 1
        for spare in range(number + 1, table.anchor.row + 2 + table_rows(table, filled)):
            cells = "".join(render(None, spare) for render in renders)
            file.write(f'<row r="{spare}">{cells}</row>'.encode())
    return filled


def _render_of(letters: str, formats: ColumnFormats) -> _Render:
    """Make the function that renders a value of this column in the row of a given number."""
    opening = {sort: f'<c r="{letters}%d" s="{formats.style_index(sort)}"' for sort in Sort}
    number_opening = f'<c r="{letters}'
    number_rest = f'" s="{formats.style_index(Sort.NUMBER)}"><v>'
    kind = formats.kind

    def render(value: CellValue, number: int) -> str:
        if type(value) is float and -1e300 < value < 1e300:  # the frequent case, and neither NaN nor infinite
            return f"{number_opening}{number}{number_rest}{value!r}</v></c>"
        sort, plain = stored(value, kind)
        cell = opening[sort] % number
        match sort:
            case Sort.BLANK:
                return cell + "/>"
            case Sort.TEXT:
                return cell + _inline(str(plain))
            case Sort.FLAG:
                return f'{cell} t="b"><v>{int(bool(plain))}</v></c>'
            case Sort.NUMBER | Sort.INSTANT | Sort.DATE | Sort.TIME | Sort.DURATION:
                return f"{cell}><v>{plain!r}</v></c>"
            case _:
                assert_never(sort)

    return render


@lru_cache(maxsize=4096)
def _inline(text: str) -> str:
    """The rest of the cell that holds a text. Names repeat from row to row, hence the cache."""
    text = _ESCAPE_LOOKALIKE.sub("_x005F_", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    keep = ' xml:space="preserve"' if text != text.strip() or "\n" in text or "\t" in text else ""
    return f' t="inlineStr"><is><t{keep}>{text}</t></is></c>'
