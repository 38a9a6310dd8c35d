"""Run by LibreOffice's Python, which knows nothing of the project: this package is all that it finds of it."""

import sys
from importlib import import_module
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
import_module("uno_side.answering").main()
