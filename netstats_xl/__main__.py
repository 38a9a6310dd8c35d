"""`python -m netstats_xl`."""

from netstats_xl.cli import main

if __name__ == "__main__":
    main()
