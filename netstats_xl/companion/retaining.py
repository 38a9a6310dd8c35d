"""The chore that deletes what is kept no longer, announces it where it is much, and knows how the store grows."""

from netstats_xl.app.outlook import Outlook, look
from netstats_xl.app.retaining import Deletion, Retaining
from netstats_xl.app.views.storage import announcement
from netstats_xl.companion.collecting import Collecting
from netstats_xl.companion.notices import Notices
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import StoreError
from netstats_xl.ports import Clock, ResultStore
from netstats_xl.scheduling import Scheduler

CHORE = "retention"
LOOK_EVERY_S = 600
"""What is told is as old at most; a deletion begins so much after its time at most."""


class RetainingChore:
    """Looks at the store every so often. Any thread may ask what it found."""

    def __init__(
        self,
        retaining: Retaining,
        *,
        store: ResultStore,
        clock: Clock,
        collecting: Collecting,
        notices: Notices,
    ) -> None:
        """`collecting`: knows which jobs were stopped."""
        self._retaining = retaining
        self._store = store
        self._clock = clock
        self._monitoring = collecting.monitoring
        self._notices = notices
        self._scheduler: Scheduler | None = None
        self._in_force = Definitions(), Settings()
        self._outlook: Outlook | None = None
        self._deletions = 0

    @property
    def outlook(self) -> Outlook | None:
        """How large the store is and becomes, and what goes next; None before that is known."""
        return self._outlook

    @property
    def deletions(self) -> int:
        """How often something was deleted: what is remembered of the past is wrong then."""
        return self._deletions

    def begin(self, scheduler: Scheduler) -> None:
        """Look in a moment, and then every so often; `put_in_force` was called before."""
        self._scheduler = scheduler
        scheduler.every(CHORE, LOOK_EVERY_S, self.look)
        scheduler.soon(CHORE)

    def put_in_force(self, definitions: Definitions, settings: Settings) -> None:
        """Keep results for as long as these settings say; what goes then is announced in a moment."""
        before, self._in_force = self._in_force, (definitions, settings)
        if self._scheduler is not None and before != self._in_force:
            self._scheduler.soon(CHORE)

    def look(self) -> None:
        """Delete what is due, and tell of what is not."""
        definitions, settings = self._in_force
        try:
            deletion = self._deleted(settings)
            self._outlook = look(
                self._store,
                definitions,
                settings,
                stopped=self._monitoring.stopped,
                now=self._clock.now(),
                deletion=deletion,
            )
        except StoreError as error:
            self._notices.set("prune", f"Old results could not be deleted: {error.message}")
            return
        self._notices.clear("prune")
        if deletion.announced:
            self._notices.set("retention", announcement(deletion, settings.zone))
        else:
            self._notices.clear("retention")

    def _deleted(self, settings: Settings) -> Deletion:
        """Delete what is due; what is next then."""
        deletion = self._retaining.next(settings)
        deleted = self._retaining.delete_when_due(deletion)
        if deleted is None:
            return deletion
        self._deletions += deleted > 0 or not deletion.found.nothing
        return self._retaining.next(settings)
