"""Calls of those who ask a companion: let in while it is at work, and waited for when it ends."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from netstats_xl.errors import CompanionStopping, NetstatsError

logger = logging.getLogger(__name__)


class Calls:
    """The calls that are under way. Any thread may use it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._under_way = 0
        self._refused = False

    @property
    def refused(self) -> bool:
        """Whether no more are let in."""
        return self._refused

    @contextmanager
    def one(self) -> Iterator[None]:
        """Within the block a call is under way.

        Raises:
            CompanionStopping: no more are let in; or the call outlasted what it needs.
        """
        with self._changed:
            if self._refused:
                raise _stopping()
            self._under_way += 1
        try:
            yield
        except NetstatsError:
            raise
        except Exception as error:
            if not self._refused:
                raise
            logger.warning("A call was given up at the end: %r", error)
            raise _stopping() from error
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def refuse(self) -> None:
        """Let no more in."""
        with self._changed:
            self._refused = True

    def finish(self, within_s: float) -> bool:
        """Let no more in, and wait for those that are under way; whether they ended in time."""
        with self._changed:
            self._refused = True
            return self._changed.wait_for(lambda: not self._under_way, within_s)


def _stopping() -> CompanionStopping:
    return CompanionStopping("The collector is stopping: start it again once it has ended.")
