"""``make bench-peers``: what other frameworks do, measured here, beside what we do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import integrity
import search
from peer import Missing

COMPARISONS = {"integrity": integrity.compare, "search": search.compare}


def main(words: list[str]) -> int:
    """Run the comparison ``words[0]`` with the arguments behind it, or all of them; return the exit code."""
    name, arguments = (words[0], words[1:]) if words else (None, [])
    if name is not None and name not in COMPARISONS:
        print(f"unknown comparison {name!r}; expected: {', '.join(COMPARISONS)}", file=sys.stderr)
        return 2
    for each, compare in COMPARISONS.items():
        if name in (None, each):
            try:
                compare(arguments)
            except Missing as reason:
                print(f"{each}: skipped: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
