"""A workbook's own ID: kept over renames, drawn anew for copies."""

import pytest

from netstats_xl.app.identity import NOT_DRAWN, identify

OWN, NEW = "0123456789abcdef" * 2, "f" * 32
HERE = r"C:\Users\u\Documents\NetStats.xlsm"
ONLINE = "https://d.docs.live.net/0123/Documents/NetStats.xlsm"


@pytest.mark.parametrize("found", [NOT_DRAWN, "", "Book1", OWN[:-1], "g" * 32])
def test_a_workbook_without_an_id_of_its_own_gets_one(found: str) -> None:
    assert identify(found, present=HERE, recorded=None, still_there=False, draw=lambda: NEW) == NEW


@pytest.mark.parametrize(
    ("recorded", "still_there", "present", "expected"),
    [
        pytest.param(None, False, HERE, OWN, id="seen for the first time"),
        pytest.param(HERE, True, HERE, OWN, id="where it was"),
        pytest.param(HERE, True, r"c:\users\U\documents/netstats.XLSM", OWN, id="written in another way"),
        pytest.param(HERE, False, r"D:\Moved\Other.xlsm", OWN, id="moved and renamed"),
        pytest.param(HERE, True, r"C:\Users\u\Documents\Copy.xlsm", NEW, id="copied"),
        pytest.param(HERE, True, r"D:\NetStats.xlsm", NEW, id="copied to another folder"),
        pytest.param(HERE, True, ONLINE, OWN, id="synchronised, by its address"),
        pytest.param(ONLINE, True, HERE, OWN, id="synchronised, by its path"),
        pytest.param(HERE, True, ONLINE.replace("NetStats", "Copy"), NEW, id="copied online"),
        pytest.param(
            r"C:\u\Net stats.xlsm", True, "https://d.docs.live.net/1/Net%20stats.xlsm", OWN, id="with a space"
        ),
        pytest.param(ONLINE, False, ONLINE.replace("Documents", "Other"), OWN, id="moved online"),
        pytest.param("Book1", False, HERE, OWN, id="saved for the first time"),
    ],
)
def test_only_a_copy_of_a_workbook_that_is_still_there_gets_another_id(
    recorded: str | None, still_there: bool, present: str, expected: str
) -> None:
    found = identify(
        OWN.upper(), present=present, recorded=recorded, still_there=still_there, draw=lambda: NEW
    )
    assert found == expected
