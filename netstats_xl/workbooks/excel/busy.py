"""Calls into an Excel that may be busy: asked again for a while, politely, and then no more."""

import random
from collections.abc import Callable
from typing import Any, TypeVar

from netstats_xl.errors import WorkbookBusy
from netstats_xl.workbooks.excel.engine import Engine
from netstats_xl.workbooks.excel.faults import Verdict, translated, verdict

T = TypeVar("T")

SHORTEST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.5
LONGEST_WAIT_S = 2.0


Pause = Callable[[float], None]
"""Waits for so many seconds."""


class Held(WorkbookBusy):
    """Excel was not asked: its user wants nothing to be written now."""


class Patience:
    """How long Excel is asked again, over all calls of one tick: pauses of `LONGEST_WAIT_S` at most in all."""

    def __init__(
        self,
        engine: Engine,
        pause: Pause,
        chance: random.Random,
        *,
        most_s: float = LONGEST_WAIT_S,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        """`may_write`: asked before each attempt to write."""
        self.engine = engine
        self._pause = pause
        self._chance = chance
        self._left_s = most_s
        self._may_write = may_write
        self.calls = 0
        """How many calls were made, those that were repeated counted once."""

    def impatient(self) -> "Patience":
        """One that asks once."""
        return Patience(self.engine, self._pause, self._chance, most_s=0)

    def writing_if(self, may_write: Callable[[], bool]) -> "Patience":
        """One that asks as long, and writes only while it may."""
        return Patience(self.engine, self._pause, self._chance, most_s=self._left_s, may_write=may_write)

    def extend(self, seconds: float) -> None:
        """Have at least so much left."""
        self._left_s = max(self._left_s, seconds)

    def wait(self, attempt: int) -> bool:
        """Pause before the next attempt, longer each time; False: there is no time left."""
        longest = min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2.0**attempt)
        # Jittered, so that it does not keep step with whatever keeps Excel busy.
        seconds = SHORTEST_PAUSE_S + self._chance.random() * (longest - SHORTEST_PAUSE_S)
        if seconds > self._left_s:
            return False
        self._left_s -= seconds
        self._pause(seconds)
        return True

    def ask(self, access: Callable[[], T], *, writes: bool = False) -> T:
        """The result of a call, repeated while Excel is busy; an ambiguous refusal is repeated once.

        Raises:
            Held: it writes, which it may not now.
            WorkbookBusy, Gone, Refused, Missing, WorkbookError: see `faults`.
        """
        attempt, refused = 0, False
        self.calls += 1
        while True:
            if writes and not self._may_write():
                raise Held("Updates are paused: nothing is written into the workbook.")
            try:
                return access()
            except self.engine.exceptions as error:
                meaning = verdict(error)
                again = meaning is Verdict.BUSY or (meaning is Verdict.REFUSED and not refused)
                refused = refused or meaning is Verdict.REFUSED
                attempt += 1
                if not again or not self.wait(attempt):
                    raise translated(error) from error


class Com:
    """A COM object, asked with patience."""

    __slots__ = ("_object", "_patience")

    def __init__(self, inner: Any, patience: Patience) -> None:
        self._object = inner
        self._patience = patience

    def get(self, name: str) -> Any:
        """A property: a plain value, or a `Com`."""
        return self._wrapped(self._patience.ask(lambda: getattr(self._object, name)))

    def put(self, name: str, value: object) -> None:
        """Set a property."""
        self._patience.ask(lambda: setattr(self._object, name, value), writes=True)

    def do(self, name: str, *arguments: object, writes: bool = False) -> Any:
        """Call a method, which may write, or read a property with arguments."""
        plain = [each._object if isinstance(each, Com) else each for each in arguments]
        return self._wrapped(self._patience.ask(lambda: getattr(self._object, name)(*plain), writes=writes))

    def act(self, name: str, *arguments: object, writes: bool = False) -> Any:
        """Call a method that may be called without arguments; these ones are plain values.

        Where pywin32 binds late, and could not ask a busy Excel for the object's type, it reads a method as if it
        were a property, and so calls it merely to find out what it is. Such objects are called directly.
        """
        engine = self._patience.engine

        def call() -> Any:
            inner = object.__getattribute__(self._object, "_inner")
            if not isinstance(inner, engine.xl.CDispatch):
                return getattr(self._object, name)(*arguments)
            dispatch = inner._oleobj_
            dispid = dispatch.GetIDsOfNames(0, name)
            found = dispatch.Invoke(dispid, 0, engine.pythoncom.DISPATCH_METHOD, True, *arguments)
            if isinstance(found, type(dispatch)):
                return engine.xl.COMRetryObjectWrapper(engine.xl.Dispatch(found))
            return found

        return self._wrapped(self._patience.ask(call, writes=writes))

    def patiently(self, patience: Patience) -> "Com":
        """The same object, asked with this patience."""
        return Com(self._object, patience)

    def _wrapped(self, value: Any) -> Any:
        return Com(value, self._patience) if self._patience.engine.is_object(value) else value
