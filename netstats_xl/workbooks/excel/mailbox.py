"""What waits to be shown: of each table and cell the newest only."""

from collections.abc import Hashable, Mapping
from threading import Lock
from typing import Generic, TypeVar

Message = TypeVar("Message")


class Mailbox(Generic[Message]):
    """Messages by what they are about; a newer one takes the place of an older one. For any threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[Hashable, Message] = {}
        self._taken = 0
        """How many are with the one who took them."""

    def put(self, messages: Mapping[Hashable, Message]) -> None:
        """Add messages, in the place of older ones about the same."""
        with self._lock:
            self._waiting |= messages

    def take(self) -> dict[Hashable, Message]:
        """All messages; they count as waiting until `give_back`."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
            self._taken = len(taken)
            return taken

    def give_back(self, messages: Mapping[Hashable, Message]) -> None:
        """Of those taken these could not be delivered: they wait again, where no newer one came meanwhile."""
        with self._lock:
            self._waiting = {**messages, **self._waiting}
            self._taken = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting) + self._taken
