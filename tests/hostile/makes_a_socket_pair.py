import socket


def choose(view):
    socket.socketpair()
    return 0
