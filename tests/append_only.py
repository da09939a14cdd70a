"""Append-only files of servers that were killed."""

from __future__ import annotations

from tests.servers import Server


def complete(log: bytes) -> int:
    """How many bytes of an append-only file are whole commands, and whole transactions."""
    at = good = 0
    in_transaction = False
    while at < len(log):
        words = []
        try:
            line = log.index(b"\r\n", at)
            end = line + 2
            for _ in range(int(log[at + 1 : line])):
                line = log.index(b"\r\n", end)
                begin, end = line + 2, line + 4 + int(log[end + 1 : line])
                words.append(log[begin : end - 2])
        except ValueError:  # cut off
            return good
        if end > len(log):
            return good
        at = end
        in_transaction = words[0].upper() == b"MULTI" or (in_transaction and words[0].upper() != b"EXEC")
        if not in_transaction:
            good = at
    return good


def cut_off_what_is_not_whole(server: Server) -> None:
    """What redis-check-aof --fix does: a server that is killed while it writes a transaction may leave a part of it,
    and when it starts again cuts off no more than the last command (valkey#4342)."""
    files = (server.folder / "appendonlydir").glob("*.incr.aof")
    newest = max(files, key=lambda path: int(path.name.split(".")[-3]))
    with newest.open("r+b") as file:
        file.truncate(complete(file.read()))
