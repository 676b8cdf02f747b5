"""Parsed programs, kept so that the next change of the same parent need not parse and type it again.

Changes are made in place, so each caller gets a tree of its own. To unpickle one takes a fraction of the time
that parsing and typing take.
"""

import io
import pickle
from collections import OrderedDict

from ._program import Program
from ._vocabulary import Vocabulary

_KEPT = 256


class Snapshots:
    """The latest programs that were parsed, in the terms of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def program(self, source: str) -> Program:
        """Return a program that may be changed. Raises as ``Program.parse``."""
        known = self._kept.get(source)
        if known is not None:
            self._kept.move_to_end(source)
            found = _Thaw(io.BytesIO(known), self.vocabulary).load()
            assert isinstance(found, Program)
            return found
        program = Program.parse(source, self.vocabulary)
        into = io.BytesIO()
        _Freeze(into, self.vocabulary).dump(program)
        self._kept[source] = into.getvalue()
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return program


class _Freeze(pickle.Pickler):
    """Leaves out the vocabulary, which all programs share."""

    def __init__(self, file: io.BytesIO, vocabulary: Vocabulary):
        super().__init__(file, protocol=5)
        self._vocabulary = vocabulary

    def persistent_id(self, obj: object) -> str | None:
        return "vocabulary" if obj is self._vocabulary else None


class _Thaw(pickle.Unpickler):
    """Reads only what ``_Freeze`` wrote in this process: nothing that came from outside is unpickled."""

    def __init__(self, file: io.BytesIO, vocabulary: Vocabulary):
        super().__init__(file)
        self._vocabulary = vocabulary

    def persistent_load(self, pid: object) -> Vocabulary:
        return self._vocabulary
