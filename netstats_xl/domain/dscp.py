"""Differentiated services code points as network administrators write them: a number, or a name such as EF."""

_NAMES: dict[str, int] = {
    **{f"CS{number}": 8 * number for number in range(8)},  # RFC 2474
    **{f"AF{each}{drop}": 8 * each + 2 * drop for each in range(1, 5) for drop in range(1, 4)},  # RFC 2597
    "EF": 46,  # RFC 3246
    "VA": 44,  # RFC 5865: voice whose calls are admitted one by one
    "LE": 1,  # RFC 8622: lower effort
}
_OTHER_NAMES = {"DF": 0, "BE": 0, "DEFAULT": 0, "VOICE-ADMIT": 44}
_BY_NAME = _NAMES | _OTHER_NAMES
_BY_NUMBER = {number: name for name, number in _NAMES.items()}

HIGHEST = 63


def parse_dscp(text: str) -> int:
    """The code point, 0 to 63, of a number or of a name in any case.

    Raises:
        ValueError: what is wrong, and what would be right.
    """
    written = text.strip().upper()
    if written in _BY_NAME:
        return _BY_NAME[written]
    if not (written.isascii() and written.isdigit()):
        raise ValueError("this is no DSCP: write a number from 0 to 63, or a name such as EF, AF41 or CS5")
    number = int(written[:9])
    if number <= HIGHEST:
        return number
    octet = (
        f" (the octet {number} of the IP header is DSCP {number >> 2})"
        if number <= 255 and not number & 3
        else ""
    )
    raise ValueError(f"a DSCP has 6 bits: write a number from 0 to 63{octet}, or a name such as EF")


def render_dscp(dscp: int) -> str:
    """The code point's name, or its number where it has none; `parse_dscp` gives it back."""
    return _BY_NUMBER.get(dscp, str(dscp))
