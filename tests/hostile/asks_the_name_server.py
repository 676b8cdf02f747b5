import socket


def choose(view):
    socket.getaddrinfo("example.org", 80)
    return 0
