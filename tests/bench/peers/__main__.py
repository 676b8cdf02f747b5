"""``make bench-peers``: what other frameworks do, measured here, beside what we do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import integrity
from peer import Missing

COMPARISONS = {"integrity": integrity.compare}


def main(names: list[str]) -> int:
    """Run the comparisons called ``names``, or all of them; return the exit code."""
    unknown = set(names) - set(COMPARISONS)
    if unknown:
        print(f"unknown comparison {sorted(unknown)[0]!r}; expected: {', '.join(COMPARISONS)}", file=sys.stderr)
        return 2
    for name, compare in COMPARISONS.items():
        if not names or name in names:
            try:
                compare()
            except Missing as reason:
                print(f"{name}: skipped: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
