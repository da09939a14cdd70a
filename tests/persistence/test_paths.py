"""A machine that travels: through the server's commands on keys, to other servers, between versions and vendors."""

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
    """COPY, RENAME, MOVE, SWAPDB, RESTORE REPLACE and reloads, against a dict that says what is where."""
    server = start_server(settings={"databases": 3, "appendonly": "yes", "auto-aof-rewrite-percentage": 0})
    server.wait_for_child()
    names = [f"k{i}" for i in range(5)]
    clients = [server.raw(db=db) for db in range(3)]
    held: list[dict[str, bytes]] = [{}, {}, {}]
    dice = random.Random(11)

    def set_(db: int, key: str, other: str, to: int) -> None:
        document = dice.choice([README, TRAFFIC, ring(3)])
        clients[db].execute_command("SM.SET", key, document)
        if dice.random() < 0.5:
            state = clients[db].execute_command("SM.STATE", key, "ALL")[-1]
            clients[db].execute_command("SM.MUTATE", key, state, f"reason {dice.random()}", "FORCE")
        held[db][key] = clients[db].execute_command("SM.GET", key)

    def copy(db: int, key: str, other: str, to: int) -> None:
        if (key, db) != (other, to):
            done = clients[db].execute_command("COPY", key, other, "DB", to, "REPLACE")
            assert done == (key in held[db])
            if done:
                held[to][other] = held[db][key]

    def rename(db: int, key: str, other: str, to: int) -> None:
        if key in held[db]:
            clients[db].execute_command("RENAME", key, other)
            held[db][other] = held[db].pop(key)

    def move(db: int, key: str, other: str, to: int) -> None:
        if db != to:
            done = clients[db].execute_command("MOVE", key, to)
            assert done == (key in held[db] and key not in held[to])
            if done:
                held[to][key] = held[db].pop(key)

    def swap(db: int, key: str, other: str, to: int) -> None:
        clients[0].execute_command("SWAPDB", db, to)
        held[db], held[to] = held[to], held[db]

    def restore(db: int, key: str, other: str, to: int) -> None:
        payload = clients[db].execute_command("DUMP", key)
        assert (payload is None) == (key not in held[db])
        if payload is not None:
            clients[to].execute_command("RESTORE", other, 0, payload, "REPLACE")
            held[to][other] = held[db][key]

    def delete(db: int, key: str, other: str, to: int) -> None:
        assert clients[db].execute_command(dice.choice(["DEL", "UNLINK"]), key) == (held[db].pop(key, None) is not None)

    def transaction(db: int, key: str, other: str, to: int) -> None:
        if key in held[db] and key != other:
            pipe = clients[db].pipeline(transaction=True)
            pipe.execute_command("COPY", key, other, "REPLACE")
            pipe.execute_command("SM.RESET", other)
            pipe.execute()
            held[db][other] = clients[db].execute_command("SM.GET", other)

    def check() -> None:
        for db in range(3):
            found = {key.decode() for key in clients[db].execute_command("KEYS", "*")}
            assert found == set(held[db])
            for key, document in held[db].items():
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
    """COPY leaves the machines here, REPLACE puts them in another's place; a refused one stays."""
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


def carried(payload: bytes, to: int) -> bytes:
    """The payload with the footer of another RDB version: the server's part, which may not be newer than it knows."""
    return payload if payloads.rdb_version(payload) == to else payloads.signed(payloads.unsigned(payload), to)


def newest_rdb(server: Server) -> int:
    server.own.execute_command("SET", "probe", "")
    version = payloads.rdb_version(server.raw().execute_command("DUMP", "probe"))
    server.own.delete("probe")
    return version


@pytest.mark.plain
def test_payloads_of_another_server(start_server: Callable[..., Server], other: Server) -> None:
    """There and back: the module's bytes are the same everywhere, only the server's footer differs."""
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
        assert far.execute_command("RESTORE", key, 0, carried(payload, theirs)) == b"OK"
        assert far.execute_command("DEBUG", "DIGEST-VALUE", key) == digest
        assert far.execute_command("SM.GET", key) == raw.execute_command("SM.GET", key)
        back = far.execute_command("DUMP", key)
        assert payloads.parse(back) == payloads.parse(payload)  # not byte for byte: they compress differently
        assert raw.execute_command("RESTORE", key, 0, carried(back, mine), "REPLACE") == b"OK"
        assert raw.execute_command("DEBUG", "DIGEST-VALUE", key) == digest


@pytest.mark.plain
def test_a_payload_that_the_other_server_takes_as_it_is(start_server: Callable[..., Server], other: Server) -> None:
    """Both ways, where the servers' own versions allow it: nothing of ours stands in the way."""
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
    """Whether the server takes the file, or says that its version is not one of its own."""
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
    """The RDB file loads both ways where the servers allow it; where not, the commands of a rewritten AOF do."""
    here = start_server()
    corpus.fill(here, 20)
    before = corpus.everything(here)
    for from_, to in ((here, other), (other, here)):
        from_.own.save()
        if not starts_from(to, (from_.folder / "dump.rdb").read_bytes()):
            send_rewritten(from_, to)
        assert corpus.changes(before, corpus.everything(to)) == []


def send_rewritten(from_: Server, to: Server) -> None:
    """Rewrites the AOF as commands and gives them to the other server."""
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
