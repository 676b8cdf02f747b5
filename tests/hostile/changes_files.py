import os

PLACES = ("/", "/etc", "/usr/lib", "/var/tmp", "/root", os.path.dirname(os.__file__))


def attempts(folder):
    path = os.path.join(folder, "left-by-a-candidate")
    yield lambda: open(path, "x").close()
    yield lambda: os.mkdir(path)
    yield lambda: os.symlink("/etc/passwd", path)
    yield lambda: os.mkfifo(path)
    yield lambda: os.chmod(os.path.dirname(os.__file__), 0o777)
    yield lambda: os.truncate(os.__file__, 0)


def choose(view):
    for folder in PLACES:
        for attempt in attempts(folder):
            try:
                attempt()
            except OSError:
                continue
            return 99
    return 0
