"""`python -m netstats_xl`."""

from netstats_xl.cli import main
from netstats_xl.store.lean import do_without_pandas, look_for_garbage_seldom, take_short_turns

if __name__ == "__main__":
    do_without_pandas()
    look_for_garbage_seldom()
    take_short_turns()
    main()
