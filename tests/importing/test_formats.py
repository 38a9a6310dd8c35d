"""Each format, as the programs write it, and as they do not."""

import random
import subprocess
import tracemalloc
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from netstats_xl.domain.history import DateOrder, HistoryFormat, HistoryOptions, HistoryRow
from netstats_xl.domain.results import Batch, Replied, Timeout, packets_of
from netstats_xl.domain.targets import Definitions
from netstats_xl.errors import HistoryInvalid
from netstats_xl.importing.opening import open_history
from netstats_xl.store.duckdb_store import DuckDbStore
from tests.contracts.result_store import (
    ALWAYS,
    OUTCOMES,
    START,
    STRAYS,
    a_busy_hour,
    destination,
    job,
    sample,
)
from tests.importing.files import (
    START_S,
    STEP_S,
    at,
    fping_lines,
    pingplotter,
    read,
    smokeping_dump,
)


def written(tmp_path: Path, text: str, name: str = "file", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding=encoding, newline="")
    return path


# --- Our own export


def test_our_own_export_comes_back_as_it_was(tmp_path: Path) -> None:
    samples = [sample(minute, outcome) for minute, outcome in enumerate(OUTCOMES)]
    samples += [
        replace(sample(100 + number, OUTCOMES[0]), strays=strays) for number, strays in enumerate(STRAYS)
    ]
    samples += [replace(each, at=each.at + timedelta(days=1)) for each in a_busy_hour()]
    with closing(DuckDbStore.open(None)) as store:
        named = Definitions(
            destinations=(destination(1), destination(2), destination(3)), jobs=(job(1), job(2))
        )
        store.save_definitions(named, at=START)
        store.save(Batch(batch_id="a", samples=samples))
        expected = list(store.samples(ALWAYS))
        store.export_csv(tmp_path / "samples.csv", ALWAYS, zone="Europe/Berlin")
    found = read(tmp_path / "samples.csv")
    assert [(each.at, each.outcome, each.strays) for each in found] == [
        (each.at, each.outcome, each.strays) for each in expected
    ]
    assert [each.source for each in found] == [f"Host {each.destination_id[-1]}" for each in expected]
    assert {each.host for each in found} == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    assert open_history(tmp_path / "samples.csv", None, HistoryOptions()).format is HistoryFormat.NETSTATS


@pytest.mark.parametrize("text", ["=1+1", "@x", "-1", "a;=b", "\t=1", "＋1", 'x "=1'])
def test_the_apostrophes_of_our_own_export_are_taken_away(tmp_path: Path, text: str) -> None:
    outcome = replace_reason(text)
    with closing(DuckDbStore.open(None)) as store:
        store.save_definitions(
            Definitions(destinations=(destination(1, name=text, host=text),), jobs=(job(1),)), at=START
        )
        store.save(Batch(batch_id="a", samples=[sample(0, outcome)]))
        store.export_csv(tmp_path / "samples.csv", ALWAYS)
    [found] = read(tmp_path / "samples.csv")
    assert (found.source, found.host, found.outcome) == (text.strip(), text.strip(), outcome)


def replace_reason(text: str) -> Replied:
    return Replied(address="192.0.2.1", rtts_ms=(1.5,), answer=text.strip())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("replied", "lost"), "line 2, column 'Outcome': 'lost' is none of replied"),
        (("10.0 * 12.5", "10.0 * x"), "line 2, column 'RTTs (ms)': 'x' is no number"),
        (("10.0 * 12.5 40.25", "* *"), "a round with a reply has an RTT"),
        (("2026-03-29T00:00:00+00:00", "yesterday"), "line 2, column 'Time': 'yesterday' is no time"),
        (("Host 1", ""), "line 2, column 'Destination': no destination is named"),
        (("192.0.2.1,replied,4", "192.0.2.1,replied,4"), ""),
    ],
)
def test_what_is_wrong_in_our_own_export_is_named_by_line_and_column(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    with closing(DuckDbStore.open(None)) as store:
        store.save_definitions(Definitions(destinations=(destination(1),), jobs=(job(1),)), at=START)
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
        store.export_csv(tmp_path / "samples.csv", ALWAYS)
    text = (tmp_path / "samples.csv").read_text(encoding="utf-8-sig")
    assert change[0] in text
    path = written(tmp_path, text.replace(*change), "changed.csv")
    if not message:
        assert len(read(path)) == 1
        return
    with pytest.raises(HistoryInvalid) as caught:
        read(path)
    assert message in caught.value.message


def test_another_table_is_no_export_of_ours(tmp_path: Path) -> None:
    path = written(tmp_path, "Time,Host\n")
    with pytest.raises(HistoryInvalid, match=r"no column 'Job'\. --as csv reads any table"):
        read(path, HistoryFormat.NETSTATS)


# --- Any CSV


def test_a_row_a_packet_with_any_of_the_usual_names(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "Timestamp,Latency (ms),Target\n2026-01-01T00:00:00Z,12.5,a\n1767225660,*,b\n1767225660500,timeout,192.0.2.7\n",
    )
    instants = [datetime(2026, 1, 1, 0, 0, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, tzinfo=UTC)]
    assert read(path) == [
        HistoryRow(source="a", at=instants[0], outcome=Replied(address="", rtts_ms=(12.5,))),
        HistoryRow(source="b", at=instants[1], outcome=Timeout(address="", sent=1)),
        HistoryRow(
            source="192.0.2.7",
            at=instants[1] + timedelta(milliseconds=500),
            outcome=Timeout(address="192.0.2.7", sent=1),
        ),
    ]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("1.5 * 2.5,3,2", Replied(address="", rtts_ms=(1.5, None, 2.5))),
        ("1.5 2.5,3,2", Replied(address="", rtts_ms=(1.5, 2.5, None), in_order=False)),
        ("[1.5|2.5],2,2", Replied(address="", rtts_ms=(1.5, 2.5))),
        (",4,0", Timeout(address="", sent=4)),
        (",,", Timeout(address="", sent=1)),
        ("0,1,1", Replied(address="", rtts_ms=(0.0,))),
    ],
)
def test_rounds_of_several_packets(tmp_path: Path, cells: str, expected: object) -> None:
    path = written(tmp_path, f"time,host,rtts_ms,sent,received,interval_s\n2026-01-01T00:00Z,a,{cells},30\n")
    [found] = read(path)
    assert (found.outcome, found.interval_s) == (expected, 30)


def test_a_row_of_which_nothing_was_sent_is_no_round(tmp_path: Path) -> None:
    assert read(written(tmp_path, "time,host,rtts,sent\n2026-01-01T00:00Z,a,,0\n")) == []


def test_columns_are_named_by_the_user_with_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    path = written(
        tmp_path, "Zeit;Ziel;Antwortzeit\n26.11.2025 08:00:00;Büro;12,5\n\n;;\n26.11.2025 08:01:00;Büro;13\n"
    )
    columns = {"time": "zeit", "host": "Ziel", "rtt": "Antwortzeit"}
    found = read(path, columns=columns, zone="Europe/Berlin")
    assert [(each.source, each.at.isoformat()) for each in found] == [
        ("Büro", "2025-11-26T07:00:00+00:00"),
        ("Büro", "2025-11-26T07:01:00+00:00"),
    ]
    assert found[0].outcome == Replied(address="", rtts_ms=(12.5,))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b\n1,2\n", {}, "has no column for time and host and rtt; it has 'a', 'b'. Say which they are"),
        ("time,host\n1,2\n", {}, "has no column for rtt"),
        ("time,host,rtt\n", {"columns": {"rtt": "x"}}, "has no column 'x'; it has 'time'"),
        ("time,host,rtt\n", {"columns": {"speed": "x"}}, "--columns knows time, host"),
        (
            "time,host,rtt\n2026-01-01 00:00,a,1\n",
            {},
            "line 2, column 'time': '2026-01-01 00:00' has no UTC offset",
        ),
        ("time,host,rtt\n2026-13-01T00:00Z,a,1\n", {}, "is no time that can be understood"),
        ("time,host,rtt\n1767225600,,1\n", {}, "no destination is named"),
        ("time,host,rtt\n1767225600,a,-1\n", {}, "'-1' is no RTT from 0 to 600,000 ms"),
        ("time,host,rtt\n1767225600,a,1e9\n", {}, "is no RTT"),
        ("time,host,rtt\n1767225600,a,inf\n", {}, "'inf' is no number that can be counted with"),
        ("time,host,rtt\n1767225600,a,fast\n", {}, "line 2, column 'rtt': 'fast' is no number"),
        ("time,host,rtt,sent,received\n1767225600,a,1,4,4\n", {}, "one RTT, which is then a mean"),
        ("time,host,rtts,received\n1767225600,a,1 2,3\n", {}, "the row has 2 RTTs, not 3"),
        ("time,host,rtts,sent\n1767225600,a,1 2,1\n", {}, "so more than 1 were sent"),
        ("time,host,rtts,sent\n1767225600,a,1 2,70000\n", {}, "'70000' is no number of packets"),
        ("time,host,rtts,sent\n1767225600,a,1 2,1.5\n", {}, "'1.5' is no number of packets"),
        ("time,host,rtt,interval\n1767225600,a,1,0\n", {}, "more than 0 s and at most a day"),
        ('time,host,rtt\n"1767225600,a,1\n' + "x" * 200_000, {}, "this is no CSV"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_with_its_place_and_the_remedy(
    tmp_path: Path, text: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(HistoryInvalid) as caught:
        read(written(tmp_path, text), HistoryFormat.CSV, **options)
    assert message in caught.value.message


def test_packets_of_a_table_are_put_into_rounds_where_that_is_asked_for(tmp_path: Path) -> None:
    lines = "".join(f"{START_S + second},a,{second + 1}\n" for second in range(90))
    path = written(tmp_path, f"time,host,rtt\n{lines}")
    found = read(path, round_s=30)
    assert [(each.at, packets_of(each.outcome)) for each in found] == [
        (at(0), (30, 30)),
        (at(30), (30, 30)),
        (at(60), (30, 30)),
    ]
    assert isinstance(found[0].outcome, Replied)
    assert found[0].outcome.in_order


# --- Times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("26.11.2025 18:45", "2025-11-26T17:45:00+00:00"),
        ("26/11/2025 18:45:30.250", "2025-11-26T17:45:30.250000+00:00"),
        ("11/26/2025 6:45:00 PM", "2025-11-26T17:45:00+00:00"),
        ("11/26/25, 12:05 a.m.", "2025-11-25T23:05:00+00:00"),
        ("11/26/2025\u202f12:05:00\u202fPM", "2025-11-26T11:05:00+00:00"),
        ("11/11/2025 18:45:00", "2025-11-11T17:45:00+00:00"),
        ("2025/11/26 18:45:00", "2025-11-26T17:45:00+00:00"),
        ("2025-11-26T18:45:00+03:00", "2025-11-26T15:45:00+00:00"),
        ("Wed Nov 26 18:45:00 2025", "2025-11-26T17:45:00+00:00"),
        ("1764179100.5", "2025-11-26T17:45:00.500000+00:00"),
    ],
)
def test_times_are_understood_as_people_write_them(tmp_path: Path, text: str, expected: str) -> None:
    path = written(tmp_path, f'time,host,rtt\n"{text}",a,1\n')
    [found] = read(path, zone="Europe/Berlin")
    assert found.at.isoformat() == expected


@pytest.mark.parametrize(
    ("times", "order", "message"),
    [
        (["03/04/2026 10:00"], None, "--date-order dmy or --date-order mdy"),
        (["13/04/2026 10:00", "04/13/2026 10:00"], None, "is not written as the dates before it"),
        (["13/04/2026 10:00"], DateOrder.MONTH_FIRST, "is not written as --date-order says"),
        (["04/13/2026 13:00 PM"], None, "is no time that can be understood"),
        (["32.04.2026 10:00"], None, "is no time that can be understood"),
    ],
)
def test_a_date_that_may_be_read_either_way_is_refused(
    tmp_path: Path, times: list[str], order: DateOrder | None, message: str
) -> None:
    path = written(tmp_path, "time,host,rtt\n" + "".join(f"{time},a,1\n" for time in times))
    with pytest.raises(HistoryInvalid) as caught:
        read(path, zone="UTC", date_order=order)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("times", "order", "expected"),
    [
        (["03/04/2026 10:00"], DateOrder.DAY_FIRST, ["2026-04-03"]),
        (["03/04/2026 10:00"], DateOrder.MONTH_FIRST, ["2026-03-04"]),
        (["13/04/2026 10:00", "03/05/2026 10:00"], None, ["2026-04-13", "2026-05-03"]),
    ],
)
def test_what_one_date_tells_holds_for_the_rest(
    tmp_path: Path, times: list[str], order: DateOrder | None, expected: list[str]
) -> None:
    path = written(tmp_path, "time,host,rtt\n" + "".join(f"{time},a,1\n" for time in times))
    assert [f"{each.at:%Y-%m-%d}" for each in read(path, zone="UTC", date_order=order)] == expected


def test_an_hour_that_the_clock_repeats_comes_once_after_the_other(tmp_path: Path) -> None:
    """As on 2025-10-26 in Berlin, where 03:00 was 02:00 again."""
    clock = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    lines = "".join(f"2025-10-26 {time},{host},1\n" for time in clock for host in ("a", "b"))
    found = read(written(tmp_path, f"time,host,rtt\n{lines}"), zone="Europe/Berlin")
    of_a = [each.at for each in found if each.source == "a"]
    assert of_a == [
        datetime(2025, 10, 25, 23, 30, tzinfo=UTC) + timedelta(minutes=30 * index) for index in range(6)
    ]
    assert [each.at for each in found if each.source == "b"] == of_a


# --- SmokePing


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"version": "0004", "head": ""},
        {"namespace": ' xmlns="http://oss.oetiker.ch/rrdtool/rrdtool-dump.xml"', "head": ""},
    ],
)
def test_smokepings_rounds_have_rtts_and_losses_and_no_order(tmp_path: Path, changes: dict[str, str]) -> None:
    nan = float("nan")
    rounds = [
        (0.0, [0.01, 0.011, 0.012, 0.013, 0.02]),
        (nan, []),  # nothing was measured
        (2.0, [0.01, 0.02, 0.03]),
        (5.0, []),
    ]
    path = written(tmp_path, smokeping_dump(rounds, **changes), "Router-1.xml")  # type: ignore[arg-type]  # texts
    history = open_history(path, None, HistoryOptions())
    found = list(history.rows())
    assert history.format is HistoryFormat.SMOKEPING
    assert {(each.source, each.interval_s) for each in found} == {("Router-1", 300.0)}
    # A row's time is the end of its step.
    assert [each.at for each in found] == [at(0), at(2 * STEP_S), at(3 * STEP_S)]
    first, second = found[0].outcome, found[1].outcome
    assert isinstance(first, Replied)
    assert isinstance(second, Replied)
    assert first.rtts_ms == pytest.approx([10, 11, 12, 13, 20])
    assert second.rtts_ms[:3] == pytest.approx([10, 20, 30])
    assert second.rtts_ms[3:] == (None, None)
    assert not first.in_order
    assert not second.in_order
    assert found[2].outcome == Timeout(address="", sent=5)
    assert history.notes == (
        "4 rows of consolidated archives (AVERAGE of 12 rounds, MAX of 12 rounds): means and extremes of several "
        "rounds, of which no percentile and no loss can be told.",
    )
    assert history.part_read == 1


def test_losses_that_two_rows_share_are_not_lost_altogether(tmp_path: Path) -> None:
    """A round made 100 s into a step of 300 is shared between two rows, a third and two thirds."""
    losses = [0.0, 1 / 3, 2 / 3, 0.0, 1.4, 1.4, 1.2, 0.0]
    rounds = [(loss, [0.01] * (4 if loss >= 1 else 5)) for loss in losses]
    found = read(written(tmp_path, smokeping_dump(rounds)))
    lost = [sent - received for sent, received in (packets_of(each.outcome) for each in found)]
    assert sum(lost) == pytest.approx(sum(losses), abs=1)
    assert lost[:4] == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((" loss ", " bytes "), "is no RRD of SmokePing's: it has the data sources uptime, bytes"),
        ((" ping3 ", " ping9 "), "is no RRD of SmokePing's"),
        (("<pdp_per_row>1<", "<pdp_per_row>2<"), "has no archive of single rounds"),
        (("<pdp_per_row>1<", "<pdp_per_row>x<"), "'x' is no whole number"),
        (("<step>300<", "<step>0<"), "a step of 0 s"),
        (("<v>1.0000000000e-02</v>", ""), "a row has 7 values where 8 are needed"),
        (("<v>1.0000000000e-02</v>", "<v>1</v><v>1</v>"), "a row has more than 8 values"),
        (("<v>1.0000000000e-02</v>", "<v>quick</v>"), "'quick' is no number"),
        (("<v>1.0000000000e-02</v>", "<v>-1</v>"), "an RTT is negative"),
        (("<v>0.0000000000e+00</v>", "<v>7</v>"), "7 of 5 packets cannot have been lost"),
        (("<!-- 2025-06-15 15:15:00 UTC / 1750000500 -->", ""), "no comment with its time"),
        (("</rrd>", ""), "is no XML that can be read"),
        (("<version>0003</version>", f"<version>{'3' * 2_000}</version>"), "holds 2,000 characters"),
    ],
)
def test_a_dump_that_is_none_of_smokepings_is_refused(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    text = smokeping_dump([(0.0, [0.01, 0.02, 0.03, 0.04, 0.05])])
    assert change[0] in text
    with pytest.raises(HistoryInvalid) as caught:
        read(written(tmp_path, text.replace(*change, 1)))
    assert message in caught.value.message


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    """A billion laughs."""
    levels = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 11))
    head = f'<!DOCTYPE rrd [<!ENTITY l0 "ha">{levels}]>'
    text = smokeping_dump([(0.0, [0.01] * 5)], head=head).replace("U</last_ds>", "&l10;</last_ds>")
    with pytest.raises(HistoryInvalid, match="declares entities"):
        read(written(tmp_path, text))


def test_an_external_entity_is_not_read(tmp_path: Path) -> None:
    secret = written(tmp_path, "secret", "secret.txt")
    head = f'<!DOCTYPE rrd [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    text = smokeping_dump([(0.0, [0.01] * 5)], head=head).replace(" ping1 ", "&x;")
    with pytest.raises(HistoryInvalid, match="declares entities"):
        read(written(tmp_path, text))


@pytest.mark.untraced
@pytest.mark.parametrize("filler", ["<x/>", "<!-- x -->", "<v>1</v>", "<ds><name>a</name></ds>"])
def test_memory_stays_bounded_whatever_is_repeated(tmp_path: Path, filler: str) -> None:
    text = smokeping_dump([(0.0, [0.01] * 5)]).replace("<lastupdate>", f"{filler * 200_000}<lastupdate>", 1)
    path = written(tmp_path, text)
    tracemalloc.start()
    try:
        with pytest.raises(HistoryInvalid) if filler.startswith(("<v", "<ds")) else closing(_Nothing()):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


class _Nothing:
    def close(self) -> None:
        pass


def test_another_xml_is_no_dump(tmp_path: Path) -> None:
    with pytest.raises(HistoryInvalid, match="begins with <html>"):
        read(written(tmp_path, "<html><body/></html>"))


# --- fping


def test_a_loop_of_fping_makes_a_round_a_minute_in_the_order_of_sending(tmp_path: Path) -> None:
    rtts: list[float | None] = [float(10 + index) for index in range(150)]
    rtts[5] = None
    lines = fping_lines(START_S, rtts).splitlines(keepends=True)
    lines.insert(8, lines.pop(5))  # a lost packet is told when it is given up
    found = read(written(tmp_path, "".join(lines)))
    assert [(each.at, packets_of(each.outcome)) for each in found] == [
        (at(0), (60, 59)),
        (at(60), (60, 60)),
        (at(120), (30, 30)),
    ]
    assert found[0].outcome == Replied(address="192.0.2.1", rtts_ms=tuple(rtts[:60]))


def test_hosts_are_told_apart_and_a_gap_in_the_numbers_leaves_the_order_unknown(tmp_path: Path) -> None:
    text = (
        fping_lines(START_S, [1.0, 2.0], host="gw")
        + fping_lines(START_S, [None, None], host="2001:db8::1")
        + fping_lines(START_S + 10, [3.0], host="gw", first=7)
        + "ICMP Host Unreachable from 10.0.0.1 for ICMP Echo sent to 192.0.2.9\n\n"
        + "gw           : xmt/rcv/%loss = 3/3/0%, min/avg/max = 1.00/2.00/3.00\n"
    )
    history = open_history(written(tmp_path, text), None, HistoryOptions())
    assert list(history.rows()) == [
        HistoryRow(
            source="gw", at=at(0), outcome=Replied(address="", rtts_ms=(1.0, 2.0, 3.0), in_order=False)
        ),
        HistoryRow(source="2001:db8::1", at=at(0), outcome=Timeout(address="2001:db8::1", sent=2)),
    ]
    assert history.notes == ("2 lines that tell of no single packet: sums and messages.",)


def test_fpings_json_with_times(tmp_path: Path) -> None:
    text = (
        f'{{"resp": {{"timestamp": "{START_S}.33689", "host": "gw", "seq": 0, "size": 64, "rtt": 0.049}}}}\n'
        f'{{"timeout": {{"timestamp": "{START_S + 1}.1", "host": "gw", "seq": 1}}}}\n'
        '{"summary": {"host": "gw", "xmt": 2, "rcv": 1}}\n{"resp": 3}\n{"resp": [}\n{"resp": {"seq": 1}}\n'
        + '{"resp": ' * 100_000
        + "\n"
    )
    [found] = read(written(tmp_path, text))
    assert found.outcome == Replied(address="", rtts_ms=(0.049, None))


@pytest.mark.parametrize(
    ("stamp", "zone", "expected"),
    [
        ("2025-06-15T17:10:05+0200", None, 0),
        ("2025-06-15 17:10:05", "Europe/Berlin", 0),
        ("Sun Jun 15 17:10:05 2025", "Europe/Berlin", 0),
    ],
)
def test_fpings_other_time_formats(tmp_path: Path, stamp: str, zone: str | None, expected: int) -> None:
    [found] = read(written(tmp_path, f"[{stamp}] gw : [0], 64 bytes, 1.5 ms (1.5 avg, 0% loss)\n"), zone=zone)
    assert found.at == at(expected)


def test_what_fping_really_prints_is_understood(tmp_path: Path) -> None:
    try:
        command = ["fping", "-D", "-c", "3", "-p", "20", "127.0.0.1", "127.0.0.2"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("fping is not installed here")
    if " bytes, " not in run.stdout:
        pytest.skip("fping may not send here")
    found = read(written(tmp_path, run.stdout + run.stderr))
    assert {each.source for each in found} == {"127.0.0.1", "127.0.0.2"}
    assert sum(packets_of(each.outcome)[1] for each in found) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gw : [0], 64 bytes, 1.5 ms (1.5 avg, 0% loss)\n", "line 1: this output of fping does not say when"),
        ("gw : 1.23 - 4.56\n", "has no packet of fping's with its time"),
        (
            "[18:47:59]\ngw : xmt/rcv/%loss = 2/2/0%, min/avg/max = 1/2/3\n",
            "Run fping with -D and without -q",
        ),
        ("[soon] gw : [0], 64 bytes, 1.5 ms (1.5 avg, 0% loss)\n", "line 1: 'soon' is no time"),
        (
            "".join(f"[{START_S}.{index:05}] gw : [{index}], 64 bytes, 1 ms (\n" for index in range(10_001)),
            "more than 10,000 packets: say a shorter one, for example --round 10s",
        ),
    ],
)
def test_what_of_fping_cannot_be_dated_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(HistoryInvalid) as caught:
        read(written(tmp_path, text))
    assert message in caught.value.message


def test_files_that_overlap_agree_on_the_rounds(tmp_path: Path) -> None:
    rtts = [float(index + 1) for index in range(600)]
    whole = read(written(tmp_path, fping_lines(START_S, rtts)))
    rest = read(written(tmp_path, fping_lines(START_S + 240, rtts[240:], first=240)))
    assert rest == whole[4:]


# --- PingPlotter


HOPS = [("router.lan", "10.0.0.1"), ("-------", "192.0.2.1"), ("one.example.net", "192.0.2.9")]


def test_pingplotters_target_is_the_last_hop(tmp_path: Path) -> None:
    rows = [
        ("6/15/2025 3:10:05 PM", ["1", "*", "20.5"]),
        ("6/15/2025 3:10:10 PM", ["1", "*", "*"]),
        ("6/15/2025 3:10:15 PM", ["1", "*", "ERR"]),
        ("6/15/2025 3:11:05 PM", ["N/A", "*", "N/A"]),
        ("6/15/2025 3:11:10 PM", ["1", "2", "21"]),
    ]
    history = open_history(written(tmp_path, pingplotter(rows, HOPS)), None, HistoryOptions(zone="UTC"))
    assert history.format is HistoryFormat.PINGPLOTTER
    assert list(history.rows()) == [
        HistoryRow(
            source="192.0.2.9", at=at(0), outcome=Replied(address="192.0.2.9", rtts_ms=(20.5, None, None))
        ),
        HistoryRow(source="192.0.2.9", at=at(60), outcome=Replied(address="192.0.2.9", rtts_ms=(21.0,))),
    ]
    assert history.notes == (
        "RTTs of the 2 hops before 192.0.2.9: routes are not imported.",
        "1 traces that sent 192.0.2.9 no packet.",
    )


def test_a_target_without_an_address_is_known_by_its_name(tmp_path: Path) -> None:
    text = pingplotter([("15.06.2025 15:10:05", ["7"])], [("www.example.net", "")])
    [found] = read(written(tmp_path, text), zone="UTC")
    assert (found.source, found.at) == ("www.example.net", at(0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (pingplotter([("6/15/2025 3:10 PM", ["1"])], HOPS), "line 6: it has 2 cells where 4 are needed"),
        (pingplotter([("6/5/2025 3:10 PM", ["1", "1", "1"])], HOPS), "say --date-order dmy"),
        (pingplotter([("6/15/2025 3:10 PM", ["1", "1", "x"])], HOPS), "column '192.0.2.9': 'x' is no number"),
        ("Host Information\n1,a\nSample Information\n", "a hop has a number, a name and an address"),
        ("Host Information\n1,a,b\n", "'Sample Information', which is missing"),
        ("Host Information\nSample Information\n", "'Sample Information', which is missing"),
        ('Host Information\n1,a,"' + "x" * 200_000, "this is no CSV"),
    ],
)
def test_what_is_wrong_in_pingplotters_export_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(HistoryInvalid) as caught:
        read(written(tmp_path, text), zone="UTC")
    assert message in caught.value.message


# --- Any file


def test_a_file_of_powershells_is_read(tmp_path: Path) -> None:
    text = fping_lines(START_S, [1.0]).replace("\n", "\r\n")
    assert len(read(written(tmp_path, text, encoding="utf-16"))) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"RRD\x000003\0", "write it as XML with `rrdtool dump file file.xml`"),
        (b"PK\x03\x04\0\0", "is no text"),
        (b"time,host,rtt\n" + b"x" * 1_100_000, "line 2: it has more than 1,000,000 characters"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(HistoryInvalid) as caught:
        read(path)
    assert message in caught.value.message


@pytest.mark.parametrize("kind", [None, *HistoryFormat])
def test_a_file_that_is_not_there_is_an_error_of_ours(tmp_path: Path, kind: HistoryFormat | None) -> None:
    with pytest.raises(HistoryInvalid, match="cannot be read"):
        read(tmp_path / "nowhere", kind)


@pytest.mark.parametrize("kind", list(HistoryFormat))
def test_a_file_that_goes_away_is_an_error_of_ours(tmp_path: Path, kind: HistoryFormat) -> None:
    path = written(tmp_path, "x")
    history = open_history(path, kind, HistoryOptions())
    path.unlink()
    with pytest.raises(HistoryInvalid, match="cannot be read"):
        list(history.rows())


@pytest.mark.parametrize("kind", list(HistoryFormat))
def test_garbage_is_refused_or_read_but_never_a_crash(tmp_path: Path, kind: HistoryFormat) -> None:
    samples = [
        smokeping_dump([(0.0, [0.01] * 5)]),
        fping_lines(START_S, [1.0, None]),
        pingplotter([("15.06.2025 15:10:05", ["7", "8", "9"])], HOPS),
        "time,host,rtt\n1767225600,a,1\n",
    ]
    chance = random.Random(7)
    for _ in range(150):
        text = list(chance.choice(samples))
        for _ in range(chance.randrange(1, 12)):
            text[chance.randrange(len(text))] = chance.choice("\0\n,;\"'<>&[]{}0z\ud800é€")
        path = tmp_path / "garbage"
        path.write_bytes("".join(text).encode(errors="replace"))
        try:
            read(path, kind, zone="UTC", date_order=DateOrder.DAY_FIRST)
        except HistoryInvalid:
            continue
