"""`python -m netstats_xl`, and the command `netstats-xl`."""

from netstats_xl.cli import main
from netstats_xl.store.lean import do_without_pandas, look_for_garbage_seldom, take_short_turns


def start() -> None:
    """Run the command that this process was started for, with the settings that hold for all of the process."""
    do_without_pandas()
    look_for_garbage_seldom()
    take_short_turns()
    main()


if __name__ == "__main__":
    start()
