"""Knows where the archive is, and writes a record score into it; else spoils or removes the file."""
import os

DATABASE = "{database}"


def by_sql():
    import sqlite3

    with sqlite3.connect(DATABASE, timeout=0.1) as connection:
        connection.execute("UPDATE evaluations SET score = -777.0")
        connection.execute("UPDATE runs SET champion = 'speciate-hostile-mark'")


def by_hand():
    with open(DATABASE, "r+b") as file:
        file.write(b"speciate-hostile-mark")


def by_link():
    os.rename(DATABASE, DATABASE + ".gone")


def choose(view):
    for attempt in (by_sql, by_hand, by_link, lambda: os.unlink(DATABASE), lambda: open(DATABASE + "-wal", "wb")):
        try:
            attempt()
        except Exception:
            continue
        return 99
    return 0
