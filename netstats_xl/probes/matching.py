"""Which packet on its way a received message is about. Pure: bytes in, the trains' arrays filled.

A reply counts only if its identifier, sequence number, token and index are those of a packet that was sent, its
checksum is right, and it comes from the address that the packet went to. Everything else is counted as what it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.packets import (
    ECHO_HEAD,
    ECHO_IDENTITY,
    ECHO_REPLY,
    Complaint,
    parse_complaint,
    sum_of_words,
)
from netstats_xl.probes.trains import ComplaintReceived, Train

Message = tuple[bytearray, int, int, bytes, float | None]
"""A buffer, where in it the message begins and ends, the packed address of the sender, and when the kernel had the
message on the monotonic clock, s; None where it does not say."""
_PLACE = (1 << 32) - 1
_LEAST_RTT_S = 1e-9
"""A clock with coarse steps can show no time between sending and reply: a nanosecond is nearer the truth than none."""


@dataclass(slots=True)
class Unmatched:
    """Echo replies of no packet of ours, by what is wrong with them."""

    unknown: int = 0
    """Other programs' replies, and those to trains that are over."""
    forged: int = 0
    """With our identifier or index, and the wrong token or sequence number."""
    corrupted: int = 0
    """With a wrong checksum, so that nothing in them can be believed."""


class Matcher:
    """Matches what one socket receives with the trains of its family."""

    def __init__(
        self,
        family: Family,
        trains: dict[int, Train],
        *,
        identifier: int | None,
        ip_header: bool,
        verify_checksum: bool,
        on_settled: Callable[[Train], None],
    ) -> None:
        """Match with these trains, by their numbers, as they come and go.

        Args:
            family: of the socket.
            trains: by number; whoever owns the dictionary adds and removes them.
            identifier: in every request; None where the kernel puts its own there.
            ip_header: whether an IPv4 header comes first, as raw sockets deliver it.
            verify_checksum: whether nobody did so before: the kernel does for IPv6 and on datagram sockets.
            on_settled: told when a train has no open packet any more.
        """
        self._family = family
        self._reply = ECHO_REPLY[family]
        self._trains = trains
        self._identifier = identifier
        self._ip_header = ip_header
        self._verify = verify_checksum
        self._on_settled = on_settled
        self.unmatched = Unmatched()

    def take(self, messages: Iterable[Message], read_at: float) -> None:
        """Take note of messages.

        Args:
            messages: what was received, in order.
            read_at: when the last of them was read, on the monotonic clock, s. The kernel's word for when it had a
                message is believed only between the sending and then: a wall clock that was set in between would
                make it nonsense.
        """
        # One loop over local names: this is a third of what a probe costs.
        unpack, reply, ip_header = ECHO_IDENTITY.unpack_from, self._reply, self._ip_header
        identifier, verify, head_bytes = self._identifier, self._verify, ECHO_HEAD.size
        number, train = -1, None
        for data, start, end, source, at in messages:
            if ip_header:
                start += (data[start] & 0x0F) * 4
            body = start + head_bytes
            if end < body or data[start] != reply:
                self._take_complaint(data, start, end, source, read_at if at is None else at)
                continue
            kind, checksum, id_, sequence, token, index = unpack(data, start)
            if index >> 32 != number:
                number = index >> 32
                train = self._trains.get(number)
                if train is not None:
                    tokens, sources, sent_ats, rtts_ms = (
                        train.tokens,
                        train.sources,
                        train.sent_at,
                        train.rtts_ms,
                    )
                    filler, first, lines = train.filler, train.sequence, train.lines
                    timeout_s, complaints = train.timeout_s, train.settling_complaints
            k = index & _PLACE
            if train is None or k >= train.next:
                self.unmatched.unknown += 1
                continue
            before = rtts_ms[k]
            if (
                tokens[k] != token
                or source != sources[k % lines]
                or sequence != (first + k) & 0xFFFF
                or (id_ != identifier and identifier is not None)
                or data[body:end] != filler
                or before == before
                # The rest of a right payload adds nothing to the checksum: see `packets.filler`.
                or (verify and (kind + checksum + id_ + sequence + token + index) % 0xFFFF)
            ) and not self._counts_all_the_same(data, start, end, source, train, k):
                continue
            sent_at = sent_ats[k]
            elapsed_s = (at if at is not None and sent_at < at <= read_at else read_at) - sent_at
            if elapsed_s <= timeout_s:
                rtts_ms[k] = elapsed_s * 1_000 if elapsed_s > _LEAST_RTT_S else _LEAST_RTT_S * 1_000
                if k not in complaints:
                    train.open -= 1
                    if not train.open:
                        self._on_settled(train)
            elif elapsed_s > timeout_s:  # neither where the packet does not count any more: NaN
                train.stray(k % lines).late += 1

    def _counts_all_the_same(
        self, data: bytearray, start: int, end: int, source: bytes, train: Train, k: int
    ) -> bool:
        """Whether a reply that is not what most are counts; else it is counted as what it is."""
        _, _, identifier, sequence, token, _ = ECHO_IDENTITY.unpack_from(data, start)
        line = k % train.lines
        ours = self._identifier is None or identifier == self._identifier
        payload = data[start + ECHO_HEAD.size : end]
        # Some hosts send back only the beginning of a large payload: that is a reply.
        is_whole = train.filler.startswith(payload)
        if (self._verify and sum_of_words(data[start:end])) or (ours and not is_whole):
            if ours and source == train.sources[line]:
                train.stray(line).corrupted += 1
            self.unmatched.corrupted += 1
        elif not ours or train.tokens[k] != token or sequence != (train.sequence + k) & 0xFFFF:
            self.unmatched.forged += 1
        elif train.family is not self._family or source != train.sources[line]:
            train.stray(line).elsewhere = str(ip_address(source))
        elif train.rtts_ms[k] == train.rtts_ms[k]:
            train.stray(line).duplicates += 1
        else:
            return True
        return False

    def _take_complaint(self, data: bytearray, start: int, end: int, source: bytes, at: float) -> None:
        icmp = bytes(data[start:end])
        if not icmp or icmp[0] == self._reply or (self._verify and sum_of_words(icmp)):
            return
        complaint = parse_complaint(icmp, family=self._family, source=source)
        if complaint is not None:
            self.complain(complaint, at)

    def complain(self, complaint: Complaint, at: float) -> None:
        """Take note of an ICMP error that was received at this time, on the monotonic clock, s."""
        if self._identifier is not None and complaint.identifier != self._identifier:
            return
        found = self._find(complaint)
        if found is None:
            return
        train, k = found
        known = k in train.complaints
        rtt_ms = max(at - train.sent_at[k], _LEAST_RTT_S) * 1_000
        if known or not rtt_ms <= train.timeout_s * 1_000:  # NaN: it does not count any more
            return
        train.complaints[k] = ComplaintReceived(complaint, rtt_ms)
        if k in train.settling_complaints and train.rtts_ms[k] != train.rtts_ms[k]:
            train.open -= 1
            if not train.open:
                self._on_settled(train)

    def _find(self, complaint: Complaint) -> tuple[Train, int] | None:
        """The packet that an ICMP error is about."""
        if complaint.head is not None:
            token, index = complaint.head
            train, k = self._trains.get(index >> 32), index & _PLACE
            if train is None or k >= train.next or train.tokens[k] != token:
                return None
            return (train, k) if self._went_to(train, k, complaint) else None
        for train in self._trains.values():
            # Numbers are 16 bits wide: in a long train several packets share one, and the last one sent is meant.
            k = (complaint.sequence - train.sequence) & 0xFFFF
            places = range(k, train.next, 0x10000)
            for place in reversed(places):
                if self._went_to(train, place, complaint):
                    return train, place
        return None

    def _went_to(self, train: Train, k: int, complaint: Complaint) -> bool:
        return (
            train.family is self._family
            and train.addresses[k % train.lines].packed == complaint.destination
            and (train.sequence + k) & 0xFFFF == complaint.sequence
        )
