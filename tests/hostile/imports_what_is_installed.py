import sys


def choose(view):
    sys.path += [f"{path}/site-packages" for path in sys.path] + ["/usr/lib/python3/dist-packages"]
    try:
        import pip  # noqa: F401
    except ImportError:
        return 0
    return 99
