"""What rounds say of the destinations: their states, when these change, and what is last known of each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netstats_xl.app.service import TestResult
from netstats_xl.app.testing import render_test
from netstats_xl.domain.results import LatestSample, Sample, State, StateChanged
from netstats_xl.domain.states import DestinationStatus, Tracker, advance, latest_of, status_of
from netstats_xl.domain.targets import Definitions, Destination, DestinationId, Settings


class Judging:
    """Takes in samples and tests on one thread; `statuses` may be called from any.

    What `statuses` reads is replaced, never changed in place.
    """

    def __init__(
        self, states: Mapping[DestinationId, State], latest: Mapping[DestinationId, LatestSample]
    ) -> None:
        """`states` and `latest` are what the store knows from before."""
        self._trackers = {destination_id: Tracker(state=state) for destination_id, state in states.items()}
        self._latest = dict(latest)
        self._tests: dict[DestinationId, TestResult] = {}

    def take(self, destination: Destination, sample: Sample, settings: Settings) -> StateChanged | None:
        """Take in a round's sample of the destination; the change of state that it causes, if any."""
        tracker, event = advance(
            self._trackers.get(destination.id, Tracker()),
            sample,
            destination.thresholds.or_else(settings.thresholds),
            settings.state_policy,
        )
        self._trackers[destination.id] = tracker
        self._latest[destination.id] = latest_of(sample, self._latest.get(destination.id))
        if destination.id in self._tests:
            self._tests = {id_: test for id_, test in self._tests.items() if id_ != destination.id}
        return event

    def take_tests(self, results: Sequence[TestResult]) -> None:
        """Show the results of tests until the next round of each destination."""
        self._tests = self._tests | {result.destination.id: result for result in results}

    def forget_tests(self, definitions: Definitions) -> None:
        """Show no results of destinations that are gone or have another host than was tested."""
        hosts = {each.id: each.host for each in definitions.destinations}
        self._tests = {
            id_: test for id_, test in self._tests.items() if hosts.get(id_) == test.destination.host
        }

    def statuses(
        self, destinations: Sequence[Destination], settings: Settings
    ) -> dict[DestinationId, DestinationStatus]:
        """The status of each of these destinations."""
        trackers, latest, tests = dict(self._trackers), dict(self._latest), self._tests
        statuses = {
            each.id: status_of(
                each.id,
                tracker=trackers.get(each.id, Tracker()),
                latest=latest.get(each.id),
                thresholds=each.thresholds.or_else(settings.thresholds),
                host=each.host,
            )
            for each in destinations
        }
        tested = {
            id_: replace(statuses[id_], problems=render_test(test, settings.zone))
            for id_, test in tests.items()
            if id_ in statuses
        }
        return statuses | tested
