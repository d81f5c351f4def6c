"""``python -m ccstats``: the command line."""

from ccstats.cli import main

if __name__ == "__main__":
    main()
