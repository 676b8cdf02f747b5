"""Numbers as people read them: significant digits, units, percentages, durations, and plain text tables."""

from collections.abc import Sequence

MINUTE_S = 60.0
HOUR_S = 3600.0


def quantity(value: float | None, unit: str = "", digits: int = 4) -> str:
    """Return ``value`` with ``digits`` significant digits and its unit; ``unknown`` for None."""
    if value is None:
        return "unknown"
    return f"{value:.{digits}g}{' ' + unit if unit else ''}"


def percent(share: float, digits: int = 1) -> str:
    """Return a share as a signed percentage: 0.0312 is ``+3.1 %``."""
    return f"{100 * share:+.{digits}f} %"


def interval(low: float, high: float, digits: int = 1) -> str:
    """Return an interval of shares as percentages: ``[+1.2, +4.0] %``."""
    return f"[{100 * low:+.{digits}f}, {100 * high:+.{digits}f}] %"


def duration(seconds: float) -> str:
    """Return seconds as a short duration: ``48 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{int(seconds // MINUTE_S)} min {int(seconds % MINUTE_S)} s"
    return f"{int(seconds // HOUR_S)} h {int(seconds % HOUR_S // MINUTE_S)} min"


def dollars(usd: float | None) -> str:
    """Return a sum of money; ``unknown`` for None, which is not zero."""
    return "unknown" if usd is None else f"{usd:.4f} USD"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Return the lines of a plain text table.

    Args:
        header: titles of the columns.
        rows: cells, as many in each row as there are titles.
        right: indices of the columns to be flush right (numbers).
    """
    widths = [max(len(str(row[i])) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return [line(header), line(["-" * width for width in widths]), *(line(row) for row in rows)]
