"""DuckDB's write-ahead log, as far as it can be counted without DuckDB: its entries, and which of them are whole.

A log begins with a version entry. Those of version 2, which DuckDB 1.1 to 2.0 write, go on with entries of this form,
numbers being little-endian: size of the content (8 bytes), its checksum (8 bytes), the content. An entry of the kind
"flush" ends each transaction. (DuckDB: `src/storage/write_ahead_log.cpp`, `src/common/checksum.cpp`.)
"""

import re
import sys
from array import array
from dataclasses import dataclass
from functools import reduce
from operator import xor
from pathlib import Path

_NUMBER = rb"[\x80-\xff]*[\x00-\x7f]"
_VERSION_ENTRY = re.compile(
    rb"\x64\x00\x62\x65\x00\x02(?:\x66\x00\x10(?:"
    + _NUMBER
    + rb"){16})?(?:\x67\x00"
    + _NUMBER
    + rb")?\xff\xff",
    re.S,
)
"""Fields 100 (the entry's kind), 101 (the version), 102 (which database) and 103 (which of its checkpoints)."""
_HEAD_BYTES = 16
_FLUSH_BYTES = 5
"""Of an entry that ends a transaction: its kind and the end of its fields. All others are longer."""
_WORD = (1 << 64) - 1
_FACTOR, _SEED = 0xBF58476D1CE4E5B9, 5381
_TAIL_FACTOR, _TAIL_SEED = 0xC6A4A7935BD1E995, 0xE17A1465


@dataclass(frozen=True, slots=True, kw_only=True)
class LogContent:
    """What a log holds."""

    size_bytes: int
    whole_bytes: int
    """Where the last transaction ends that is whole, as are all before it."""
    commits: int
    """How many these are."""
    commits_after: int
    """How many more end after the first entry that is not whole, as far as the sizes of entries lead to them."""
    is_counted: bool
    """Whether they lead to the end of the log, so that `commits_after` is all of them."""


def read_log(path: Path) -> LogContent | None:
    """What the log holds; None: there is none, it is empty, or it is not of the form that is known here.

    Raises:
        OSError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    begin = _VERSION_ENTRY.match(content)
    if begin is None:
        return None
    position = whole_bytes = begin.end()
    commits = commits_after = 0
    entries, is_whole = 0, True
    while position + _HEAD_BYTES <= len(content):
        size, stored = (int.from_bytes(content[position + at : position + at + 8], "little") for at in (0, 8))
        position += _HEAD_BYTES + size
        if position > len(content):
            break
        entry = content[position - size : position]
        is_whole = is_whole and checksum(entry) == stored
        if not entries and not is_whole:
            return None  # most probably another form
        entries += 1
        if size == _FLUSH_BYTES:
            commits, commits_after = commits + is_whole, commits_after + (not is_whole)
            if is_whole:
                whole_bytes = position
    return LogContent(
        size_bytes=len(content),
        whole_bytes=whole_bytes,
        commits=commits,
        commits_after=commits_after,
        is_counted=position == len(content),
    )


def checksum(content: bytes) -> int:
    """DuckDB's checksum of a block of bytes."""
    whole = len(content) // 8 * 8
    words = array("Q", content[:whole])
    if sys.byteorder == "big":
        words.byteswap()
    found = reduce(xor, map(_FACTOR.__mul__, words), 0) & _WORD
    return _SEED ^ found ^ (_checksum_of_tail(content[whole:]) if len(content) > whole else 0)


def _checksum_of_tail(tail: bytes) -> int:
    mixed = _TAIL_SEED ^ (len(tail) * _TAIL_FACTOR & _WORD) ^ int.from_bytes(tail, "little")
    mixed = mixed * _TAIL_FACTOR & _WORD
    mixed = (mixed ^ mixed >> 47) * _TAIL_FACTOR & _WORD
    return mixed ^ mixed >> 47
