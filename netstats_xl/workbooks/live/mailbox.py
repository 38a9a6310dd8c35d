"""What waits to be shown: of each table and cell the newest only."""

from collections.abc import Hashable, Mapping
from threading import Lock
from typing import Generic, TypeVar

Message = TypeVar("Message")


class Mailbox(Generic[Message]):
    """Messages by what they are about, the last put first; newer ones replace older ones. For any threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[Hashable, Message] = {}
        self._taken = 0
        """How many are with the one who took them."""

    def put(self, messages: Mapping[Hashable, Message]) -> None:
        """Add messages before those that wait, in the place of older ones about the same."""
        with self._lock:
            self._waiting = _before(messages, self._waiting)

    def take(self) -> dict[Hashable, Message]:
        """All messages; they count as waiting until `give_back`."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
            self._taken = len(taken)
            return taken

    def give_back(self, messages: Mapping[Hashable, Message]) -> None:
        """Of those taken these could not be delivered: they wait again, where no newer one came meanwhile."""
        with self._lock:
            self._waiting = _before(self._waiting, messages)
            self._taken = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting) + self._taken


def _before(newer: Mapping[Hashable, Message], older: Mapping[Hashable, Message]) -> dict[Hashable, Message]:
    return {**newer, **{about: message for about, message in older.items() if about not in newer}}
