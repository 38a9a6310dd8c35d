"""Differentiated services code points in words."""

import pytest

from netstats_xl.domain.dscp import HIGHEST, parse_dscp, render_dscp


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("EF", 46),
        ("ef", 46),
        (" AF41 ", 34),
        ("AF11", 10),
        ("af43", 38),
        ("CS0", 0),
        ("CS5", 40),
        ("CS7", 56),
        ("BE", 0),
        ("default", 0),
        ("voice-admit", 44),
        ("LE", 1),
        ("0", 0),
        ("46", 46),
        ("63", 63),
    ],
)
def test_names_and_numbers_are_understood(written: str, number: int) -> None:
    assert parse_dscp(written) == number


def test_every_code_point_is_written_so_that_it_is_read_again() -> None:
    assert [parse_dscp(render_dscp(number)) for number in range(HIGHEST + 1)] == list(range(HIGHEST + 1))


def test_code_points_with_a_name_are_shown_by_it() -> None:
    assert [render_dscp(number) for number in (46, 34, 40, 0, 3)] == ["EF", "AF41", "CS5", "CS0", "3"]


@pytest.mark.parametrize("written", ["AF44", "AF51", "CS8", "gold", "-1", "4.5", "٤", "", "0x2e"])
def test_what_is_none_is_refused_with_examples(written: str) -> None:
    with pytest.raises(ValueError, match="from 0 to 63, or a name such as EF"):
        parse_dscp(written)


def test_the_whole_octet_of_the_header_is_told_apart() -> None:
    with pytest.raises(ValueError, match="octet 184 of the IP header is DSCP 46"):
        parse_dscp("184")
    for no_octet in ("64000", "65", "9" * 5_000):
        with pytest.raises(ValueError, match="6 bits: write a number from 0 to 63, or"):
            parse_dscp(no_octet)
