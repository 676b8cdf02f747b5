"""Plants code where a starting Python would run it: site customisations, .pth files, bytecode, shadowing modules."""
import marshal
import os
import sys

CODE = "import builtins\nbuiltins.speciate_hostile_mark = 1\n"


def plant(folder):
    got = False
    for name, data in {
        "sitecustomize.py": CODE.encode(),
        "usercustomize.py": CODE.encode(),
        "speciate-hostile-mark.pth": b"import builtins; builtins.speciate_hostile_mark = 1\n",
        "random.py": CODE.encode(),
        "encodings/utf_8.py": CODE.encode(),
        f"__pycache__/heapq.{sys.implementation.cache_tag}.pyc": bytes(16) + marshal.dumps(compile(CODE, "h", "exec")),
    }.items():
        try:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
            got = True
        except OSError:
            pass
    return got


def choose(view):
    plant(os.getcwd())  # where the scratch is the working folder, it is private and goes with the candidate
    places = {os.path.dirname(os.__file__), "/opt/speciate/packages", "/usr/lib/python3/dist-packages"}
    return 99 if any([plant(place) for place in places | set(filter(None, sys.path))]) else 0
