"""Memory of another process, by the kernel's calls for reading and writing it (process_vm_readv and its twin).

Linux allows it to the user whose process that is, and to root. No code of the other process takes part.
"""

import ctypes
import errno
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import SpeciateError


class GoneError(SpeciateError):
    """The other process has ended, or has no such memory any more."""

    def __init__(self, told: str, ended: bool):
        super().__init__(told)
        self.ended = ended
        """Whether it is the process that is no more."""


class _Part(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


_libc = ctypes.CDLL(None, use_errno=True)
for _call in (_libc.process_vm_readv, _libc.process_vm_writev):
    _call.restype = ctypes.c_ssize_t
    _call.argtypes = [
        ctypes.c_int, ctypes.POINTER(_Part), ctypes.c_ulong, ctypes.POINTER(_Part), ctypes.c_ulong, ctypes.c_ulong
    ]  # fmt: skip


class Remote:
    """So much of a process's memory as lies behind an address."""

    def __init__(self, pid: int, address: int):
        self._pid = pid
        self._address = address

    def write(self, at: int, data: NDArray[Any]) -> None:
        """Write an array's bytes ``at`` bytes behind the address. Raises GoneError."""
        self._moved(_libc.process_vm_writev, at, np.ascontiguousarray(data))

    def read(self, at: int, into: NDArray[np.uint8]) -> None:
        """Fill an array with the bytes from there on. Raises GoneError."""
        self._moved(_libc.process_vm_readv, at, into)

    def _moved(self, call: Any, at: int, data: NDArray[Any]) -> None:
        here, there = _Part(data.ctypes.data, data.nbytes), _Part(self._address + at, data.nbytes)
        moved = call(self._pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        if moved < 0:
            raise GoneError(f"its memory: {os.strerror(ctypes.get_errno())}", ctypes.get_errno() == errno.ESRCH)
        if moved < data.nbytes:
            raise GoneError(f"its memory: {moved} of {data.nbytes} bytes are left", False)


def reachable(pid: int) -> bool:
    """Return whether this process may read and write the memory of that one."""
    byte = ctypes.create_string_buffer(1)
    here, nowhere = _Part(ctypes.addressof(byte), 1), _Part(None, 1)
    moved = _libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(nowhere), 1, 0)
    return bool(moved == -1 and ctypes.get_errno() == errno.EFAULT)
