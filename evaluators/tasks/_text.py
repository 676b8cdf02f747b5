"""Reading a foreign task's files."""

from pathlib import Path

from .._errors import ProblemError

_LONGEST = 1 << 20


def text_of(file: Path) -> str:
    """Return a file's text. Raises ProblemError where it cannot be read as UTF-8 of at most 1 MiB."""
    try:
        data = file.read_bytes()
        if len(data) > _LONGEST:
            raise ProblemError(f"{file}: expected a source of at most {_LONGEST} bytes, it has {len(data)}")
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(f"{file}: cannot be read: {error}") from error
