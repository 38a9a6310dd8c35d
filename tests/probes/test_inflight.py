"""Numbers of packets on their way."""

from netstats_xl.probes.addresses import from_sockaddr
from netstats_xl.probes.inflight import InFlight
from netstats_xl.probes.packets import Complaint, Reply
from netstats_xl.probes.rounds import Progress


def progress(address: str, packets: int) -> Progress:
    return Progress(address=from_sockaddr((address, 0)), to_send=packets)


def test_more_packets_than_sequence_numbers_still_differ_in_identifier_or_sequence() -> None:
    in_flight: InFlight[Progress] = InFlight(own_identifiers=True)
    one = progress("10.0.0.1", 70_000)
    seen = set()
    for _ in range(70_000):
        flight = in_flight.prepare(one, timeout_s=1)
        in_flight.took_off(flight, sent_at=0)
        seen.add((flight.identifier, flight.sequence))
    assert len(seen) == 70_000
    assert len(in_flight) == 70_000


def test_where_the_kernel_sets_the_identifier_a_taken_sequence_number_is_passed_over() -> None:
    in_flight: InFlight[Progress] = InFlight(own_identifiers=False, random_bytes=lambda count: bytes(count))
    one = progress("10.0.0.1", 2)
    first = in_flight.prepare(one, timeout_s=1)
    in_flight.took_off(first, sent_at=0)
    for _ in range(0xFFFF):
        in_flight.prepare(one, timeout_s=1)
    after_all_others = in_flight.prepare(one, timeout_s=1)
    assert first.sequence == 1
    assert after_all_others.sequence == 2


def test_with_every_number_taken_packets_are_still_told_apart_by_their_heads() -> None:
    in_flight: InFlight[Progress] = InFlight(own_identifiers=False)
    one = progress("10.0.0.1", 0x10001)
    flights = [in_flight.prepare(one, timeout_s=1)]
    in_flight.took_off(flights[0], sent_at=0)
    for _ in range(0x10000):
        flights.append(in_flight.prepare(one, timeout_s=1))
        in_flight.took_off(flights[-1], sent_at=0)
    for flight in flights:
        assert in_flight.land(Reply(0, flight.sequence, flight.head), at=0.5, stamped_at=None) is one
    assert len(in_flight) == 0
    assert one.rtts_ms == [500.0] * 0x10001


def test_a_packet_that_expired_is_lost_once() -> None:
    in_flight: InFlight[Progress] = InFlight(own_identifiers=True)
    one = progress("10.0.0.1", 1)
    flight = in_flight.prepare(one, timeout_s=1)
    in_flight.took_off(flight, sent_at=0)
    assert in_flight.expire(flight) is True
    assert in_flight.expire(flight) is False
    assert one.finished
    assert one.rtts_ms == [None]


def test_what_was_forgotten_is_not_on_its_way_any_more() -> None:
    in_flight: InFlight[Progress] = InFlight(own_identifiers=True)
    gone, kept = progress("10.0.0.1", 1), progress("10.0.0.2", 1)
    flights = []
    for each in (gone, kept):
        flights.append(in_flight.prepare(each, timeout_s=1))
        in_flight.took_off(flights[-1], sent_at=0)
    in_flight.forget({gone})
    for flight, expected in zip(flights, (None, kept), strict=True):
        reply = Reply(flight.identifier, flight.sequence, flight.head)
        assert in_flight.land(reply, at=0.1, stamped_at=None) is expected


def test_a_clock_too_coarse_to_show_any_time_still_gives_an_rtt_above_zero() -> None:
    in_flight: InFlight[Progress] = InFlight(own_identifiers=True)
    one = progress("10.0.0.1", 1)
    flight = in_flight.prepare(one, timeout_s=1)
    in_flight.took_off(flight, sent_at=5.0)
    in_flight.land(Reply(flight.identifier, flight.sequence, flight.head), at=5.0, stamped_at=None)
    (rtt_ms,) = one.rtts_ms
    assert rtt_ms is not None
    assert 0 < rtt_ms < 0.001


def test_a_complaint_is_matched_by_destination_too() -> None:
    in_flight: InFlight[Progress] = InFlight(own_identifiers=True)
    one = progress("10.0.0.1", 1)
    flight = in_flight.prepare(one, timeout_s=1)
    in_flight.took_off(flight, sent_at=0)
    complaint = Complaint(
        "10.0.0.9", "host unreachable", flight.identifier, flight.sequence, b"\x0a\0\0\x02", None
    )
    assert in_flight.land(complaint, at=0.1, stamped_at=None) is None
    assert in_flight.land(complaint._replace(destination=b"\x0a\0\0\x01"), at=0.1, stamped_at=None) is one
    assert (one.reporter, one.complaint) == ("10.0.0.9", "host unreachable")
    assert not one.finished
