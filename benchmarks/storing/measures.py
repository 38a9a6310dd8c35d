"""What a measure is, and how several are shown."""

import json
import mmap
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure and its goal."""

    name: str
    value: float
    goal: float
    relation: Literal["<=", ">="] = "<="
    beside: str = ""
    """What it rests on, and the peer's figure."""

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.value <= self.goal if self.relation == "<=" else self.value >= self.goal


def quantile(values: Sequence[float], share: float) -> float:
    """The least of the values that so large a share of them does not exceed: of few values, the greatest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def seconds_of(work: Callable[[], object]) -> float:
    """How long the work takes, s."""
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def share_of_a_core() -> float:
    """How much of a core this process gets when it wants one: 1 on a machine that has nothing else to do."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    while time.perf_counter() < wall_s + 1:
        pass
    return (time.process_time() - cpu_s) / (time.perf_counter() - wall_s)


def rested_page_us() -> float:
    """How long it takes to touch a page of memory again after a second's rest, µs.

    0.1 on a machine of its own. A virtual machine's host may take memory away that rests, and bring it back page by
    page: a commit of 1,000 rows touches some 4,200 of them.
    """
    page, pages = mmap.PAGESIZE, 4_096
    with mmap.mmap(-1, page * pages) as memory:
        places = range(0, page * pages, page)
        for place in places:
            memory[place] = 1
        time.sleep(1)
        took_s = seconds_of(lambda: sum(memory[place] for place in places))
    return took_s / pages * 1e6


def show(measures: Iterable[Measure]) -> None:
    for each in measures:
        print(
            f"{each.name:<36}{each.value:>10.3f}  {each.relation} {each.goal:<6g}"
            f"{'' if each.met else 'NOT MET':<9}{each.beside}",
            flush=True,
        )


def as_json(measures: Iterable[Measure]) -> str:
    return json.dumps(
        {each.name: {"value": round(each.value, 4), "goal": each.goal, "met": each.met} for each in measures}
    )


def say(text: str) -> None:
    """Tell what is under way, where it does not disturb the table."""
    print(text, file=sys.stderr, flush=True)
