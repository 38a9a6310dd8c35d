"""Saving stops before the disk is full, and begins again once there is room."""

from collections.abc import Callable
from pathlib import Path

import pytest

from netstats_xl.domain.results import Batch
from netstats_xl.errors import StoreFull
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.room import FLOOR_BYTES, Room, Space, space_of
from tests.contracts.result_store import OUTCOMES, sample
from tests.store.disks import needs_mounts, small_disk
from tests.store.flipping import Heard

DATABASE = Path("results.duckdb")
TOTAL = 1_000_000_000_000


class Disk:
    """A disk whose room is what the test says, and a clock."""

    def __init__(self, *, total: int = TOTAL) -> None:
        self.total = total
        self.free: int | None = total
        self.now_s = 0.0
        self.looks = 0
        self.noted: list[int | None] = []

    def space(self, folder: Path) -> Space | None:
        self.looks += 1
        return None if self.free is None else Space(self.total, self.free)

    def room(self, floor_bytes: int | None = None) -> Room:
        return Room(
            DATABASE,
            floor_bytes=floor_bytes,
            note=self.noted.append,
            space=self.space,
            monotonic=lambda: self.now_s,
        )

    def after(self, free: int | None, room: Room) -> Callable[[], None]:
        self.free = free
        self.now_s += 1.0
        return room.check


def test_below_the_floor_saving_stops_until_there_is_clearly_more() -> None:
    disk = Disk()
    room = disk.room(floor_bytes=1_000_000)
    disk.after(1_000_000, room)()
    with pytest.raises(
        StoreFull, match=r"Only 1\.0 MB are left .* until there are 1\.2 MB\. Free some space"
    ):
        disk.after(999_999, room)()
    with pytest.raises(StoreFull):
        disk.after(1_100_000, room)()
    disk.after(1_250_000, room)()
    disk.after(1_100_000, room)()


@pytest.mark.parametrize(
    ("total", "floor"), [(TOTAL, FLOOR_BYTES), (1_000_000_000, 10_000_000)], ids=["large disk", "small disk"]
)
def test_the_floor_is_200_megabytes_or_a_hundredth_of_a_small_disk(total: int, floor: int) -> None:
    disk = Disk(total=total)
    room = disk.room()
    disk.after(floor, room)()
    with pytest.raises(StoreFull, match=f"until there are {floor * 5 // 4 // 1_000_000} MB|12 MB"):
        disk.after(floor - 1, room)()


def test_it_is_told_that_room_runs_out_and_that_there_is_enough_again() -> None:
    disk = Disk()
    room = disk.room(floor_bytes=100)
    for free in (1_000, 499, 300, 600, 700):
        disk.after(free, room)()
    assert disk.noted == [499, 300, None]


def test_the_disk_is_asked_once_a_second_at_most() -> None:
    disk = Disk()
    room = disk.room()
    for _ in range(10):
        room.check()
        disk.now_s += 0.25
    assert disk.looks == 3


def test_a_disk_that_does_not_say_its_room_is_written_to() -> None:
    disk = Disk()
    room = disk.room()
    with pytest.raises(StoreFull):
        disk.after(0, room)()
    disk.after(None, room)()
    assert space_of(Path("no such folder")) is None


@needs_mounts
def test_a_disk_that_fills_up_is_left_its_last_room_and_the_same_batch_is_saved_later(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=16) as disk:
        path = disk.folder / "results.duckdb"
        heard = Heard()
        disk_now = Disk()
        room = Room(path, floor_bytes=4_000_000, note=heard.note_room, monotonic=lambda: disk_now.now_s)
        store = DuckDbStore.open(path, watcher=heard, room=room)
        first, second = (Batch(batch_id=f"{n}", samples=[sample(n, OUTCOMES[0])]) for n in range(2))
        store.save(first)
        ballast = disk.fill(leave_bytes=3_000_000)
        disk_now.now_s += 2
        with pytest.raises(StoreFull, match="saving waits until"):
            store.save(second)
        assert store.info().samples == 1
        ballast.unlink()
        disk_now.now_s += 2
        store.save(second)
        assert store.info().samples == 2
        store.close()
        assert heard.rooms[0] is not None
        assert heard.rooms[0] > 4_000_000 > heard.rooms[1]  # type: ignore[operator]  # a number, as the next shows
