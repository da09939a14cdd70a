"""Payloads, files and syncs that cannot be loaded are refused with a line in the log, and change nothing."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import redis

from tests import corpus, payloads
from tests.documents import README, TRAFFIC, compact, ring
from tests.servers import HANG, Server, ServerDiedError, wait_until

CANONICAL = compact({"map": {"a": ["b"], "b": ["a"]}, "initial": "a"}).encode()
NEWEST = 3


@pytest.fixture
def unchanged(server: Server) -> Iterator[redis.Redis]:
    """A client that returns bytes. After the test, the old machine must be unchanged and the only key."""
    raw = server.raw()
    server.config("hz", 500)  # unused definitions are freed in the server's cron
    raw.execute_command("SM.SET", "k", README)
    (digest,) = server.digest("k")
    yield raw
    assert server.digest("k") == [digest]
    assert server.own.dbsize() == 1
    server.wait_info(definitions=1, machines=1)


def refuse(raw: redis.Redis, payload: bytes) -> None:
    with pytest.raises(redis.ResponseError, match=r"[Bb]ad data format"):
        raw.execute_command("RESTORE", "k", 0, payload, "REPLACE")


@pytest.mark.parametrize("version", [0, NEWEST + 1, 1023])
def test_a_payload_of_another_version(server: Server, unchanged: redis.Redis, version: int) -> None:
    refuse(unchanged, payloads.with_version(payloads.numbered(b"a", CANONICAL), version).dump())
    assert f"encoding version {version}; this module (" in server.log()
    assert f"knows up to {NEWEST}" in server.log()


def test_a_payload_cut_short(server: Server, unchanged: redis.Redis) -> None:
    """At every byte, with a valid checksum."""
    for value in (
        payloads.numbered(b"b", CANONICAL, b"a reason"),
        payloads.rust(compact({"current": "b", "map": {"a": ["b"]}, "initial": "a", "reason": "r"})),
    ):
        body = payloads.unsigned(value.dump())
        for length in range(1, len(body)):
            # The server reads on into the footer, which begins with the bytes 10 and 0. If the last string lacks one
            # byte, 10 completes it, and 0 ends the value.
            if length != len(body) - 2:
                refuse(unchanged, payloads.signed(body[:length]))
    for what in ("flags", "number", "definition", "configuration", "reason", "document"):
        assert f"{what} is cut short" in server.log() or f"{what} are cut short" in server.log()


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (payloads.numbered(b"a"), "refers to an unknown definition"),
        (payloads.numbered(b"a", number=1), "refers to an unknown definition"),
        (payloads.numbered(b"a", CANONICAL, number=1), "definition is out of order"),
        (payloads.numbered(b"a", CANONICAL, number=2**64 - 1), "definition is out of order"),
        (payloads.Value(2, (payloads.Field(payloads.UNSIGNED, 0),)), "refers to an unknown configuration"),
        (payloads.Value(2, (payloads.Field(payloads.UNSIGNED, 8),)), "refers to an unknown configuration"),
        (payloads.Value(2, (payloads.Field(payloads.UNSIGNED, 2**64 - 8),)), "refers to an unknown configuration"),
        (payloads.Value(2, (payloads.Field(payloads.UNSIGNED, 8 + 2 + 4),)), "configuration is out of order"),
        (payloads.numbered(b"gone", CANONICAL), "no state 'gone'"),
        (payloads.numbered(b"\xff", CANONICAL), "configuration"),
        (payloads.numbered(b"a", CANONICAL, b"\xff"), "reason is not UTF-8"),
        (payloads.numbered(b"a", CANONICAL[:-1]), "its definition: invalid document"),
        (payloads.numbered(b"a", b""), "its definition: invalid document"),
        (payloads.Value(2, (payloads.Field(payloads.UNSIGNED, 4), payloads.Field(payloads.UNSIGNED, 0))), "flags"),
        (payloads.Value(2, (payloads.Field(payloads.STRING, b"x"),)), "flags"),
        (payloads.Value(2, ()), "flags"),
    ],
    ids=str,
)
def test_a_payload_that_is_wrong(server: Server, unchanged: redis.Redis, value: payloads.Value, fault: str) -> None:
    before = len(server.log())
    refuse(unchanged, value.dump())
    assert fault in server.log()[before:]


def test_a_payload_over_the_limits(server: Server, unchanged: redis.Redis) -> None:
    """RESTORE by a client is subject to the limits, as SM.SET is."""
    server.config("redisstate.max-states", 100)
    definition = ring(101).encode()
    refuse(unchanged, payloads.numbered(b"s0", definition).dump())
    assert "max-states (100)" in server.log()
    server.config("redisstate.max-states", 101)
    assert unchanged.execute_command("RESTORE", "large", 0, payloads.numbered(b"s0", definition).dump()) == b"OK"
    assert unchanged.execute_command("DEL", "large") == 1


def test_a_dump_of_a_document_at_the_limit_can_be_restored(server: Server) -> None:
    """However its numbers are written, which can change its length."""
    server.config("hz", 500)
    raw = server.raw()
    for digits in ("1e5", "1E+2", "0.1e3", "-0e0", "1e22", "7"):
        document = '{"map":{},"initial":"a","meta":[' + ",".join([digits] * 200) + "]}"
        server.config("redisstate.max-document-bytes", len(document))
        try:
            raw.execute_command("SM.SET", "k", document)
        except redis.ResponseError as error:
            assert "max-document-bytes" in str(error)
            assert digits != "7"
            continue
        (digest,) = server.digest("k")
        payload = raw.execute_command("DUMP", "k")
        raw.execute_command("DEL", "k")
        server.wait_info(definitions=0)
        assert raw.execute_command("RESTORE", "k", 0, payload) == b"OK"
        assert server.digest("k") == [digest]


# ---- files ----


def refuses_to_start(server: Server, file: bytes, fault: str) -> None:
    """The server does not start, logs the reason, and leaves the file unchanged."""
    path = server.folder / "dump.rdb"
    path.write_bytes(file)
    before = len(server.log())
    with pytest.raises(ServerDiedError):
        server.start_again()
    assert fault in server.log()[before:]
    assert path.read_bytes() == file


def test_a_file_of_a_newer_version_or_cut_short(start_server: Callable[..., Server]) -> None:
    server = start_server(settings={"rdbcompression": "no"})
    corpus.fill(server, 10)
    before = corpus.everything(server)
    server.own.save()
    server.kill9()
    good = (server.folder / "dump.rdb").read_bytes()
    newer = payloads.with_version(payloads.numbered(b"a", CANONICAL, number=1), NEWEST + 1)
    refuses_to_start(server, payloads.rdb_file([(b"k", newer)]), f"encoding version {NEWEST + 1}; this module (")
    # Cut within strings: where a file ends before a field, the check that Redis 7.0 runs before it exits never ends.
    for text, what in ((b"because because", "reason"), (b'"s998"', "definition")):
        refuses_to_start(server, good[: good.index(text) + 3], f"the {what} is cut short")
    (server.folder / "dump.rdb").write_bytes(good)
    server.start_again()
    assert corpus.changes(before, corpus.everything(server)) == []


def test_an_append_only_file_cut_short(start_server: Callable[..., Server]) -> None:
    """Wherever the file is cut, the server starts with the commands before."""
    server = start_server(settings={"appendonly": "yes", "appendfsync": "always"})
    server.wait_for_child()
    r = server.own
    r.execute_command("SM.SET", "k", ring(50))
    (file,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    sizes = [file.stat().st_size]
    for number in range(1, 50):
        r.execute_command("SM.MUTATE", "k", f"s{number}", f"step {number}")
        sizes.append(file.stat().st_size)
    server.kill9()
    whole = file.read_bytes()
    assert sizes[-1] == len(whole)
    for cut in random.Random(3).sample(range(sizes[0], sizes[-1]), 8):
        file.write_bytes(whole[:cut])
        server.start_again()
        done = sum(size <= cut for size in sizes) - 1
        assert server.own.execute_command("SM.STATE", "k") == [f"s{done}"]
        assert server.own.execute_command("SM.GET", "k", "REASON") == (f"step {done}" if done else "")
        server.kill9()


# ---- connections ----


class CuttingProxy:
    """A proxy on 127.0.0.1 that forwards to a port, and closes the connection after ``limit`` bytes of replies."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.limit = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the port is closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._to)) as primary:
            there = threading.Thread(target=self._forward, args=(client, primary, 1 << 60), daemon=True)
            there.start()
            self._forward(primary, client, self.limit)
            there.join(HANG)

    def _forward(self, from_: socket.socket, to: socket.socket, limit: int) -> None:
        """Until an end closes its connection or the limit is reached; then both are closed."""
        with contextlib.suppress(OSError):
            while limit > 0 and (data := from_.recv(min(65536, limit))):
                to.sendall(data)
                limit -= len(data)
        for end in (from_, to):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_full_sync_cut_short(start_server: Callable[..., Server], diskless: str) -> None:
    """A replica that loads a full sync beside its old data keeps these if the connection is cut."""
    primary = start_server(settings={"repl-diskless-sync": diskless, "rdbcompression": "no"})
    replica = start_server(settings={"repl-diskless-load": "swapdb", "hz": 500})
    corpus.fill(primary, 50)
    r = replica.own
    r.execute_command("SM.SET", "own", TRAFFIC)
    r.execute_command("SM.MUTATE", "own", "green", "before")
    before = corpus.everything(replica)
    primary.own.save()
    size = (primary.folder / "dump.rdb").stat().st_size

    def failed_after(position: int) -> bool:
        return "Failed trying to load the" in replica.log()[position:]

    proxy = CuttingProxy(primary.port)
    try:
        for limit in random.Random(5).sample(range(1000, size), 6):
            proxy.limit = limit
            position = len(replica.log())
            r.execute_command("REPLICAOF", "127.0.0.1", proxy.port)
            wait_until(partial(failed_after, position), "the sync fails")
            r.execute_command("REPLICAOF", "NO", "ONE")
            assert corpus.changes(before, corpus.everything(replica)) == []
        replica.wait_info(definitions=1, machines=1)
        proxy.limit = 1 << 60
        r.execute_command("REPLICAOF", "127.0.0.1", proxy.port)
        replica.wait_info("replication", master_link_status="up")
        assert corpus.changes(corpus.everything(primary), corpus.everything(replica)) == []
        r.execute_command("REPLICAOF", "NO", "ONE")
    finally:
        proxy.close()


def test_a_node_with_a_number_whose_definition_has_none(start_server: Callable[..., Server]) -> None:
    """The module never writes that, but a file can have it: the node can be referred to until the end of the file."""
    document, where = b'{"map":{"a":["b"]},"initial":"a"}', b"b"
    node = payloads.Value(
        2,
        (
            payloads.Field(payloads.UNSIGNED, 8 + 2 + 4),
            payloads.Field(payloads.UNSIGNED, 0),
            payloads.Field(payloads.STRING, document),
            payloads.Field(payloads.STRING, where),
        ),
    )
    again = payloads.Value(2, (payloads.Field(payloads.UNSIGNED, 8),))
    server = start_server()
    server.kill9()
    (server.folder / "dump.rdb").write_bytes(payloads.rdb_file([(b"first", node), (b"second", again)]))
    server.start_again()
    assert server.own.execute_command("SM.STATE", "first") == ["b"]
    assert server.own.execute_command("SM.STATE", "second") == ["b"]


def test_a_replica_accepts_what_its_primary_accepted(start_server: Callable[..., Server]) -> None:
    """RESTORE from the primary or from the AOF is not subject to this server's limits."""
    primary = start_server()
    replica = start_server(
        module_args=["max-states", "10"], settings={"replicaof": ("127.0.0.1", primary.port), "appendonly": "yes"}
    )
    replica.wait_info("replication", master_link_status="up")
    payload = payloads.numbered(b"s0", ring(11).encode()).dump()
    assert primary.own.execute_command("RESTORE", "k", 0, payload) == "OK"
    primary.own.wait(1, 10_000)
    assert replica.digest("k") == primary.digest("k")
    replica.wait_for_child()
    replica.own.execute_command("REPLICAOF", "NO", "ONE")
    other = payloads.numbered(b"x0", ring(11, "x").encode()).dump()
    with pytest.raises(redis.ResponseError):
        replica.raw().execute_command("RESTORE", "another", 0, other)
    replica.own.execute_command("DEBUG", "LOADAOF")
    assert replica.digest("k") == primary.digest("k")
