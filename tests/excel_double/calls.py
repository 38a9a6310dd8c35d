"""What was called of an Excel, and which calls are made to fail."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from tests.excel_double.errors import BUSY, GONE, ExcelError, Failure


class Access(StrEnum):
    """How a member was used."""

    GET = "get"
    PUT = "put"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One COM call: one way there and back between the processes."""

    number: int
    """Counted from 1 since the application started."""
    type_name: str
    member: str
    access: Access

    @property
    def name(self) -> str:
        """Such as `Range.Value2`."""
        return f"{self.type_name}.{self.member}"


class CallLog:
    """Every COM call that reached an Excel, those that were made to fail too."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._started = 0

    def add(self, type_name: str, member: str, access: Access) -> Call:
        """Log a call."""
        call = Call(number=self._started + 1, type_name=type_name, member=member, access=access)
        self._started += 1
        self.calls.append(call)
        return call

    def clear(self) -> None:
        """Forget the calls; their numbers go on."""
        self.calls.clear()

    def __len__(self) -> int:
        return len(self.calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls)

    @property
    def names(self) -> list[str]:
        """The calls in order, such as `["Range.Value2", ...]`."""
        return [call.name for call in self.calls]

    @property
    def counts(self) -> Counter[str]:
        """How often each member was called."""
        return Counter(self.names)

    @property
    def writes(self) -> list[Call]:
        """The properties put, and every call of a method that changes something."""
        return [call for call in self.calls if call.access is Access.PUT or call.name in CHANGING]

    @contextmanager
    def during(self) -> Iterator["CallLog"]:
        """A log of what is called within the block."""
        part = CallLog()
        first = len(self.calls)
        try:
            yield part
        finally:
            part.calls = self.calls[first:]


CHANGING = frozenset(
    {
        "Application.Quit",
        "Workbooks.Add",
        "Workbooks.Open",
        "Workbook.Activate",
        "Workbook.Close",
        "Workbook.Save",
        "Workbook.SaveAs",
        "Worksheet.Activate",
        "Worksheet.Delete",
        "Worksheet.Select",
        "Range.Activate",
        "Range.ClearContents",
        "Range.Delete",
        "Range.Insert",
        "Range.Select",
        "ListObject.Delete",
        "ListObject.Resize",
        "ListRows.Add",
        "ListRow.Delete",
        "Names.Add",
        "Name.Delete",
        "PivotTable.RefreshTable",
        "PivotCache.Refresh",
    }
)
DISTURBING = frozenset(
    {
        "Application.Quit",
        "Application.Interactive",
        "Workbooks.Add",
        "Workbooks.Open",
        "Workbook.Activate",
        "Workbook.Close",
        "Worksheet.Activate",
        "Worksheet.Select",
        "Range.Activate",
        "Range.Select",
        "Range.Copy",
        "Range.Cut",
        "Window.Activate",
    }
)
"""What must never be called in a user's Excel (beside `Interactive` being read)."""

Choice = Callable[[Call], Failure | None]


class Faults:
    """Makes COM calls fail on demand. Of several demands the first that chooses a failure wins.

    A call that fails does nothing in Excel, unless `executed` was asked for.
    """

    def __init__(self) -> None:
        self._choices: list[Choice] = []
        self.raised: Counter[Failure] = Counter()
        self.died = False

    def clear(self) -> None:
        """No more failures (an Excel that died stays dead)."""
        self._choices.clear()

    def next(self, failure: Failure, times: int = 1) -> None:
        """The next `times` calls fail."""
        left = times

        def choose(_: Call) -> Failure | None:
            nonlocal left
            left -= 1
            return failure if left >= 0 else None

        self._choices.append(choose)

    def every(self, nth: int, failure: Failure) -> None:
        """Every nth call from now fails."""
        count = 0

        def choose(_: Call) -> Failure | None:
            nonlocal count
            count += 1
            return failure if count % nth == 0 else None

        self._choices.append(choose)

    def at(self, nth: int, failure: Failure) -> None:
        """The nth call from now fails, counted from 1."""
        count = 0

        def choose(_: Call) -> Failure | None:
            nonlocal count
            count += 1
            return failure if count == nth else None

        self._choices.append(choose)

    def randomly(self, share: float, *, seed: int, failures: Sequence[Failure] = BUSY) -> None:
        """Each call fails with this probability, with one of the failures; the same seed, the same failures."""
        chance = random.Random(seed)

        def choose(_: Call) -> Failure | None:
            return chance.choice(failures) if chance.random() < share else None

        self._choices.append(choose)

    def when(self, condition: Callable[[Call], bool], failure: Failure) -> None:
        """Calls for which the condition holds fail, as `lambda call: call.name == "Range.Value2"`."""
        self._choices.append(lambda call: failure if condition(call) else None)

    def die_at(self, nth: int) -> None:
        """Excel dies in the nth call from now: it and all later ones find no server."""
        self.at(nth, GONE)
        choose = self._choices.pop()

        def die(call: Call) -> Failure | None:
            failure = choose(call)
            self.died = self.died or failure is not None
            return failure

        self._choices.append(die)

    def check(self, call: Call) -> None:
        """Raise the failure that was demanded for this call."""
        if self.died:
            raise ExcelError(GONE)
        chosen = [failure for choose in self._choices if (failure := choose(call)) is not None]
        if chosen:
            self.raised[chosen[0]] += 1
            raise ExcelError(chosen[0])
