import socket


def choose(view):
    socket.socket()
    return 0
