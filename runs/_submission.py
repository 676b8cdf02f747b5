"""From what an outsider hands in to a candidate. Nothing here is executed, and a mistake here costs no ticket."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speciate.agent._blocks import framed, has_blocks
from speciate.evaluators import Candidate, Problem, SourceFile, SpeciateError


def submission(problem: Problem[Any], shown: Candidate, texts: Mapping[str, str]) -> Candidate:
    """Return the candidate that ``texts`` make of the design that was shown.

    Files that are not handed in stay as they were shown. Where the problem's seed has EVOLVE blocks, nothing
    outside them is taken. A design of one file takes one file of any name.

    Args:
        problem: says how large a candidate may be.
        shown: the design to start from.
        texts: by path.

    Raises:
        SpeciateError: no file, one that the design does not have, one that is no text or too long, or a frame
            that was broken.
    """
    known = [file.path for file in shown.files]
    if not texts:
        raise SpeciateError(f"expected what was written, got no file; the design has {', '.join(known)}")
    if len(known) == len(texts) == 1:
        texts = {known[0]: next(iter(texts.values()))}
    for path in texts:
        if path not in known:
            raise SpeciateError(f"expected files of the design ({', '.join(known)}), got {path!r:.200}")
    frames = {file.path: file.text for file in problem.seed().files}
    files = []
    for file in shown.files:
        text = texts.get(file.path, file.text)
        kept = framed(frames[file.path], text) if has_blocks(frames.get(file.path, "")) else text
        if kept is None:
            raise SpeciateError(
                f"{file.path}: expected every line with EVOLVE-BLOCK-START or EVOLVE-BLOCK-END as it was; write "
                "between them"
            )
        files.append(SourceFile(path=file.path, text=kept))
    _require_size(files, problem.limits.source_bytes)
    return Candidate(files=tuple(files), language=shown.language)


def read_texts(paths: list[Path], shown: Candidate, limit: int) -> dict[str, str]:
    """Read what was written, by path in the design; a folder stands for the files of the design in it.

    A file belongs to the design's file whose path its own ends with; a design of one file takes any name.

    Args:
        paths: files and folders.
        shown: the design to start from.
        limit: bytes that a file may have.

    Raises:
        SpeciateError: a file that cannot be read, is no text or too long, or that belongs to nothing.
    """
    known = [file.path for file in shown.files]
    found: dict[str, str] = {}
    for path in paths:
        if path.is_dir():
            found.update({name: _read(path / name, limit) for name in known if (path / name).is_file()})
        else:
            name = known[0] if len(known) == 1 else _belongs(path, known)
            if name in found:
                raise SpeciateError(f"expected one file for {name}, got {path} as well")
            found[name] = _read(path, limit)
    return found


def write_design(folder: Path, shown: Candidate) -> list[Path]:
    """Write the files of a design below ``folder``, and return their paths. Raises SpeciateError.

    A design's paths are those of the problem's seed, and are refused all the same if they lead elsewhere.
    """
    written = []
    for file in shown.files:
        path = folder / file.path
        try:
            if not path.resolve().is_relative_to(folder.resolve()):
                raise SpeciateError(f"{file.path!r:.200}: expected a path below {folder}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text, encoding="utf-8")
        except (OSError, ValueError) as error:
            raise SpeciateError(f"{folder}: {file.path!r:.200} cannot be written: {error}") from error
        written.append(path)
    return written


def _belongs(path: Path, known: list[str]) -> str:
    fits = [name for name in known if path.parts[-len(Path(name).parts) :] == Path(name).parts]
    if not fits:
        raise SpeciateError(f"{path}: expected a file of the design: {', '.join(known)}")
    return max(fits, key=len)


def _read(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
        text = content.decode()
    except OSError as error:
        raise SpeciateError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        if len(content) <= limit:
            raise SpeciateError(f"{path}: expected text in UTF-8, got other bytes at {error.start}") from error
    if len(content) > limit:
        raise SpeciateError(f"{path}: expected at most {limit} bytes; a candidate of this problem has no more")
    return text


def _require_size(files: list[SourceFile], limit: int) -> None:
    try:
        size = sum(len(file.text.encode()) for file in files)
    except UnicodeEncodeError as error:
        raise SpeciateError(f"expected text that UTF-8 can hold: {error.reason} at character {error.start}") from error
    if size > limit:
        raise SpeciateError(f"expected at most {limit} bytes, got {size}; write a shorter design")
