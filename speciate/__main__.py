"""Entry point of the ``speciate`` command."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from speciate.runs.cli import app

    sys.exit(app())


if __name__ == "__main__":
    main()
