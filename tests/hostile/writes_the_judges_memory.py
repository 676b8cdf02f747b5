import os


def choose(view):
    for pid in (os.getppid(), 1):
        for part in ("mem", "environ", "maps", "fd/0", "root/etc/passwd", "oom_score_adj"):
            # How ready a process is to die for memory is no secret; changing it would be.
            for mode in ("r+b",) if part == "oom_score_adj" else ("rb", "r+b"):
                try:
                    open(f"/proc/{pid}/{part}", mode).close()
                except OSError:
                    continue
                return 99
    return 0
