import threading
import time


def choose(view):
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return 0
