"""In what memory a timed kernel works: pages of its buffers, and of what it allocates itself.

A process that hands memory back with each call and is given other pages with the next pays for their being found and
zeroed, and on a virtual machine for their being fetched from the host: torch's ``layer_norm`` on 16 MiB took 5 to 56 ms
so where 6 are its own, and a kernel beside it was told to be two to eight times as fast. So kernels and their bars keep
what they freed, in huge pages, and a bar has as much of it as its calls' buffers before it is timed.
"""

from functools import cache
from pathlib import Path

HEAP = (("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184"),)
"""What the environment of a timed process says: no allocation is a mapping of its own, the heap never shrinks, and
lies in huge pages. The GNU C library listens to it, from 2.35 on to all of it."""
SMALL_PAGES = "small pages"
"""Label of an evaluation that was timed without huge ones: its figures differ more from run to run."""
HUGE_PAGES_SWITCH = Path("/sys/kernel/mm/transparent_hugepage/enabled")
"""Where an administrator says who is given huge pages."""


@cache
def huge_pages_granted() -> bool:
    """Return whether this machine's kernel grants huge pages to a process that asks for them."""
    try:
        return "[never]" not in HUGE_PAGES_SWITCH.read_text(encoding="ascii")
    except (OSError, ValueError):
        return False


def in_huge_pages(own: bool) -> bool:
    """Return whether a kernel is timed in huge pages: its process has buffers of its own, and they are granted."""
    return own and huge_pages_granted()
