"""The seccomp profile of a container, in Docker's JSON, made from the same table as our own filters.

It lets a supervisor fork and a program use threads, and denies what neither needs: the memory and descriptors
of other processes, namespaces, mounts, the kernel's own machinery, rings that make calls unseen. A sealed
worker installs the stricter filter of ``_seccomp`` on top.
"""

import errno
import json
import platform
from typing import Any

from ._seccomp import denied_at_launch

_NEEDED = {
    *("fork", "vfork", "clone", "clone3", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("pidfd_open", "pidfd_send_signal", "socket", "socketpair", "sched_setaffinity"),
}
"""What a supervisor does, or a whole program may; a candidate's own filter denies most of it again."""
_ALSO_DENIED = (
    *("open_tree_attr", "listmount", "statmount", "set_mempolicy_home_node", "lsm_set_self_attr", "umount"),
    *("create_module", "get_kernel_syms", "query_module", "nfsservctl", "uselib", "ustat", "sysfs", "_sysctl"),
    *("vm86", "vm86old", "stime", "settimeofday", "clock_settime64"),
)
"""Not in the table, since they are newer than it or exist on neither of its architectures; the engine skips
names that it does not know."""
_NAMESPACES = (0x80, 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
"""CLONE_NEWTIME, NS, CGROUP, UTS, IPC, USER, PID and NET of linux/sched.h."""
_LAST_INTERNET_FAMILY = 10
_FAMILIES_BETWEEN = range(3, 10)
_ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}


def profile() -> str:
    """Return the profile as JSON. Raises KeyError on an architecture the table does not cover."""
    refused = sorted({*denied_at_launch(), *_ALSO_DENIED} - _NEEDED)
    rules = [
        _rule(refused),
        _rule(["clone3"], error=errno.ENOSYS),  # Its flags are behind a pointer; C libraries fall back to clone.
        *(_rule(["clone"], _compare("SCMP_CMP_MASKED_EQ", flag, flag)) for flag in _NAMESPACES),
        _rule(["socket"], _compare("SCMP_CMP_GT", _LAST_INTERNET_FAMILY)),
        *(_rule(["socket"], _compare("SCMP_CMP_EQ", family)) for family in _FAMILIES_BETWEEN),
    ]
    return json.dumps(
        {
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": [_ARCHITECTURES[platform.machine()]],
            "syscalls": rules,
        }
    )


def _rule(names: list[str], comparison: dict[str, Any] | None = None, error: int = errno.EPERM) -> dict[str, Any]:
    rule: dict[str, Any] = {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": error}
    return rule if comparison is None else {**rule, "args": [comparison]}


def _compare(how: str, value: int, second: int = 0) -> dict[str, Any]:
    return {"index": 0, "value": value, "valueTwo": second, "op": how}
