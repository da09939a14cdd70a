"""Machines that are copied and moved: by commands on keys, to other servers, between versions and vendors."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

import pytest
import redis

from tests import corpus, payloads
from tests.documents import README, TRAFFIC, ring
from tests.servers import Server, ServerDiedError
from tools import servers

KEYS = ["moved", "end", "reason", "empty reason", "long reason", "empty", "to the nameless", "large", "large too"]


def digests(server: Server, *keys: str, db: int = 0) -> list[bytes]:
    raw = server.raw(db=db)
    return [raw.execute_command("DEBUG", "DIGEST-VALUE", key)[0] for key in keys]


def test_a_random_walk_through_the_keyspace(start_server: Callable[..., Server], long: bool) -> None:
    """COPY, RENAME, MOVE, SWAPDB, RESTORE REPLACE and reloads, compared with a dict for each database."""
    server = start_server(settings={"databases": 3, "appendonly": "yes", "auto-aof-rewrite-percentage": 0})
    server.wait_for_child()
    names = [f"k{i}" for i in range(5)]
    clients = [server.raw(db=db) for db in range(3)]
    expected: list[dict[str, bytes]] = [{}, {}, {}]
    dice = random.Random(11)

    def set_(db: int, key: str, other: str, to: int) -> None:
        document = dice.choice([README, TRAFFIC, ring(3)])
        clients[db].execute_command("SM.SET", key, document)
        if dice.random() < 0.5:
            state = clients[db].execute_command("SM.STATE", key, "ALL")[-1]
            clients[db].execute_command("SM.MUTATE", key, state, f"reason {dice.random()}", "FORCE")
        expected[db][key] = clients[db].execute_command("SM.GET", key)

    def copy(db: int, key: str, other: str, to: int) -> None:
        if (key, db) != (other, to):
            done = clients[db].execute_command("COPY", key, other, "DB", to, "REPLACE")
            assert done == (key in expected[db])
            if done:
                expected[to][other] = expected[db][key]

    def rename(db: int, key: str, other: str, to: int) -> None:
        if key in expected[db]:
            clients[db].execute_command("RENAME", key, other)
            expected[db][other] = expected[db].pop(key)

    def move(db: int, key: str, other: str, to: int) -> None:
        if db != to:
            done = clients[db].execute_command("MOVE", key, to)
            assert done == (key in expected[db] and key not in expected[to])
            if done:
                expected[to][key] = expected[db].pop(key)

    def swap(db: int, key: str, other: str, to: int) -> None:
        clients[0].execute_command("SWAPDB", db, to)
        expected[db], expected[to] = expected[to], expected[db]

    def restore(db: int, key: str, other: str, to: int) -> None:
        payload = clients[db].execute_command("DUMP", key)
        assert (payload is None) == (key not in expected[db])
        if payload is not None:
            clients[to].execute_command("RESTORE", other, 0, payload, "REPLACE")
            expected[to][other] = expected[db][key]

    def delete(db: int, key: str, other: str, to: int) -> None:
        deleted = clients[db].execute_command(dice.choice(["DEL", "UNLINK"]), key)
        assert deleted == (expected[db].pop(key, None) is not None)

    def transaction(db: int, key: str, other: str, to: int) -> None:
        if key in expected[db] and key != other:
            pipe = clients[db].pipeline(transaction=True)
            pipe.execute_command("COPY", key, other, "REPLACE")
            pipe.execute_command("SM.RESET", other)
            pipe.execute()
            expected[db][other] = clients[db].execute_command("SM.GET", other)

    def check() -> None:
        for db in range(3):
            found = {key.decode() for key in clients[db].execute_command("KEYS", "*")}
            assert found == set(expected[db])
            for key, document in expected[db].items():
                assert clients[db].execute_command("SM.GET", key) == document

    steps = [set_, set_, copy, rename, move, swap, restore, delete, transaction]
    for _ in range(20 if long else 4):
        for _ in range(100):
            dice.choice(steps)(dice.randrange(3), dice.choice(names), dice.choice(names), dice.randrange(3))
        check()
        server.own.execute_command("DEBUG", dice.choice(["RELOAD", "LOADAOF"]))
        check()
    server.kill9()
    server.start_again()
    clients = [server.raw(db=db) for db in range(3)]
    check()


@pytest.mark.parametrize("flag", ["COPY", "REPLACE"])
def test_migrate_over_what_is_there(start_server: Callable[..., Server], flag: str) -> None:
    """COPY keeps the source's machines, REPLACE overwrites the target's keys; a refused machine stays."""
    first, second = start_server(), start_server()
    corpus.fill(first, 5)
    here = digests(first, *KEYS)
    migrate = ("MIGRATE", "127.0.0.1", second.port, "", 0, 30_000)
    if flag == "REPLACE":
        second.own.execute_command("SM.SET", KEYS[0], TRAFFIC)
        with pytest.raises(redis.ResponseError, match="BUSYKEY"):
            first.own.execute_command(*migrate, "KEYS", *KEYS)
        assert first.own.exists(KEYS[0]) == 1
        first.own.execute_command("RESTORE", KEYS[0], 0, first.raw().execute_command("DUMP", KEYS[0]), "REPLACE")
        left = [key for key in KEYS if first.own.exists(key)]
        first.own.execute_command(*migrate, "REPLACE", "KEYS", *left)
        assert first.own.exists(*KEYS) == 0
    else:
        first.own.execute_command(*migrate, "COPY", "KEYS", *KEYS)
        assert digests(first, *KEYS) == here
    assert digests(second, *KEYS) == here


# ---- other servers ----


def others() -> list[servers.Found]:
    """The servers on this machine, one of each vendor and version."""
    found: dict[str, servers.Found] = {}
    for origin, path in (*servers.on_path(), *servers.wheels()):
        try:
            server = servers.identify(path, origin)
        except servers.NoServerError:
            continue
        if server.version >= servers.OLDEST:
            found.setdefault(server.name, server)
    return [server for name, server in found.items() if name != servers.find().name]


OTHERS = others()


@pytest.fixture(params=OTHERS, ids=lambda found: found.name)
def other(request: pytest.FixtureRequest, start_server: Callable[..., Server]) -> Iterator[Server]:
    """A server of another vendor or version."""
    yield start_server(binary=request.param)


def with_rdb_version(payload: bytes, to: int) -> bytes:
    """The payload with the footer of another RDB version, since a server refuses newer ones."""
    return payload if payloads.rdb_version(payload) == to else payloads.signed(payloads.unsigned(payload), to)


def newest_rdb(server: Server) -> int:
    server.own.execute_command("SET", "probe", "")
    version = payloads.rdb_version(server.raw().execute_command("DUMP", "probe"))
    server.own.delete("probe")
    return version


@pytest.mark.plain
def test_payloads_of_another_server(start_server: Callable[..., Server], other: Server) -> None:
    """In both directions: the module's bytes are the same, and only the server's footer differs."""
    here = start_server()
    corpus.fill(here, 3)
    here.own.persist("expires")  # the time to live is no part of the payload, but one of the digest
    mine, theirs = newest_rdb(here), newest_rdb(other)
    raw, far = here.raw(), other.raw()
    for key in raw.execute_command("KEYS", "*"):
        if raw.execute_command("TYPE", key) != b"StateType":
            continue
        payload = raw.execute_command("DUMP", key)
        digest = raw.execute_command("DEBUG", "DIGEST-VALUE", key)
        assert far.execute_command("RESTORE", key, 0, with_rdb_version(payload, theirs)) == b"OK"
        assert far.execute_command("DEBUG", "DIGEST-VALUE", key) == digest
        assert far.execute_command("SM.GET", key) == raw.execute_command("SM.GET", key)
        back = far.execute_command("DUMP", key)
        assert payloads.parse(back) == payloads.parse(payload)  # not byte for byte: they compress differently
        assert raw.execute_command("RESTORE", key, 0, with_rdb_version(back, mine), "REPLACE") == b"OK"
        assert raw.execute_command("DEBUG", "DIGEST-VALUE", key) == digest


@pytest.mark.plain
def test_a_payload_that_the_other_server_accepts_unchanged(start_server: Callable[..., Server], other: Server) -> None:
    """A server accepts another server's machines wherever it accepts its strings."""
    here = start_server()
    for from_, to in ((here, other), (other, here)):
        from_.own.execute_command("SM.SET", "k", README, "boo")
        from_.own.execute_command("SET", "string", "s")
        refused = []
        for key in ("string", "k"):
            payload = from_.raw().execute_command("DUMP", key)
            try:
                to.raw().execute_command("RESTORE", f"{key} from there", 0, payload)
            except redis.ResponseError:
                refused.append(key)
        assert refused in ([], ["string", "k"])
        if not refused:
            assert to.digest("k from there") == from_.digest("k")


def starts_from(server: Server, file: bytes) -> bool:
    """Whether the server starts from the file. Fails if it refuses it for another reason than its RDB version."""
    server.kill9()
    (server.folder / "dump.rdb").write_bytes(file)
    before = len(server.log())
    try:
        server.start_again()
    except ServerDiedError:
        assert re.search("Can't handle (foreign )?RDB format version|Wrong signature", server.log()[before:])
        (server.folder / "dump.rdb").unlink()
        server.start_again()
        return False
    return True


@pytest.mark.plain
def test_a_file_of_another_server(start_server: Callable[..., Server], other: Server) -> None:
    """The RDB file loads where the server accepts the other's RDB version; else the commands of a rewritten AOF do."""
    here = start_server()
    corpus.fill(here, 20)
    before = corpus.everything(here)
    for from_, to in ((here, other), (other, here)):
        from_.own.save()
        if not starts_from(to, (from_.folder / "dump.rdb").read_bytes()):
            send_rewritten(from_, to)
        assert corpus.changes(before, corpus.everything(to)) == []


def send_rewritten(from_: Server, to: Server) -> None:
    """Rewrites the AOF as commands, and sends them to the other server."""
    from_.own.config_set("aof-use-rdb-preamble", "no")
    from_.own.config_set("appendonly", "yes")
    from_.wait_for_child()
    (file,) = (from_.folder / "appendonlydir").glob("*.base.aof")
    commands = file.read_bytes()
    with to.socket() as wire:
        wire.send_bytes(commands)
        wire.send("PING")
        while (reply := wire.reply()) != b"+PONG":
            assert not isinstance(reply, bytes) or not reply.startswith(b"-"), reply
