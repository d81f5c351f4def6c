"""``python -m ccstats.cli``."""

from ccstats.cli.shell import main

if __name__ == "__main__":
    main()
