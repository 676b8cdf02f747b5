"""Which text of a problem folder a figure was measured with: an edited problem is another problem.

A problem that is installed has a version that its package keeps. One that is found by path is edited in place, so
a digest of its files goes into its version: figures of before and after never meet in one table.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

_NO_PART = (".md", ".db", ".db-wal", ".db-shm", ".pyc", ".log")
"""Ends of names of files that no figure depends on."""
_NO_PART_NAMES = frozenset({"tuned.toml", "baselines", "reports", "__pycache__"})
"""Baselines are told apart by their own text, and tuned constants are part of it."""
_FILES_MOST = 2_000
_BYTES_MOST = 1 << 20
"""Of one file; of a longer one its length and its beginning count."""


def edition(definition: Path, *, whole_folder: bool) -> str:
    """Return a digest (8 characters) of the files that define a problem.

    Args:
        definition: the file that was loaded.
        whole_folder: whether all of its folder is the problem; else the file alone is.
    """
    files = _parts(definition.parent) if whole_folder else iter([definition])
    digest = hashlib.blake2b(digest_size=4)
    for _, file in zip(range(_FILES_MOST), files, strict=False):
        try:
            with file.open("rb") as text:
                content = text.read(_BYTES_MOST)
            size = file.stat().st_size
        except OSError:
            continue  # What cannot be read is no part of what was loaded.
        digest.update(f"{file.relative_to(definition.parent)}\0{size}\0".encode(errors="surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def _parts(folder: Path) -> Iterator[Path]:
    """Give the files that may have a part in a score, in a fixed order."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _NO_PART_NAMES or path.is_symlink():
            continue
        if path.is_dir():
            yield from _parts(path)
        elif path.is_file() and not path.name.endswith(_NO_PART):
            yield path
