"""Entry point of the ``speciate`` command."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # What a start imports stays: of hundreds of thousands of objects some would be looked through every 700.
    gc.set_threshold(10_000)
    from speciate.runs.cli import app

    sys.exit(app())


if __name__ == "__main__":
    main()
