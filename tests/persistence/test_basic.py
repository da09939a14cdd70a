"""Saving and loading lose and change nothing: RDB, AOF, DUMP, MIGRATE, and the Rust module's format."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
import redis

from tests import corpus
from tests.documents import README, RUST_DUMP, TRAFFIC, ring
from tests.servers import Server

DEFINITIONS = 100


def fill(server: Server) -> None:
    corpus.fill(server, DEFINITIONS)


def everything(server: Server) -> corpus.Seen:
    seen = corpus.everything(server)
    assert len(seen) > 2 * DEFINITIONS
    return seen


def bgsave(server: Server) -> None:
    server.own.execute_command("BGSAVE")
    server.wait_for_child()


def test_save_and_restart(start_server: Callable[..., Server]) -> None:
    server = start_server()
    fill(server)
    before = everything(server)
    server.own.save()
    server.restart()
    assert everything(server) == before


def test_bgsave_and_kill(start_server: Callable[..., Server]) -> None:
    server = start_server()
    fill(server)
    before = everything(server)
    bgsave(server)
    server.kill9()
    server.start_again()
    assert everything(server) == before


def test_save_at_shutdown(start_server: Callable[..., Server]) -> None:
    server = start_server(settings={"save": "3600 1"})
    fill(server)
    before = everything(server)
    server.restart()
    assert everything(server) == before


def test_debug_reload(server: Server) -> None:
    fill(server)
    before = everything(server)
    for _ in range(3):
        server.own.execute_command("DEBUG", "RELOAD")
        assert everything(server) == before
    server.own.execute_command("SM.MUTATE", "moved", "blee")
    assert server.own.execute_command("SM.STATE", "moved") == ["blee"]


@pytest.mark.parametrize("settings", [{}, {"rdbcompression": "no"}, {"rdbchecksum": "no"}], ids=str)
def test_rdb_settings(start_server: Callable[..., Server], settings: dict[str, str]) -> None:
    server = start_server(settings=settings)
    fill(server)
    before = everything(server)
    bgsave(server)
    server.kill9()
    server.start_again()
    assert everything(server) == before


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("rewrite", [False, True], ids=["as written", "rewritten"])
def test_append_only_file(start_server: Callable[..., Server], preamble: str, rewrite: bool) -> None:
    server = start_server(
        settings={
            "appendonly": "yes", "appendfsync": "always", "aof-use-rdb-preamble": preamble,
            "auto-aof-rewrite-percentage": 0,
        }
    )  # fmt: skip
    server.wait_for_child()
    fill(server)
    if rewrite:
        server.own.bgrewriteaof()
        server.wait_for_child()
        server.own.execute_command("SM.MUTATE", "fresh", "boo", "after the rewrite")
        server.own.execute_command("SM.RESET", "moved")
        server.own.execute_command("SM.SET", "later", TRAFFIC)
    before = everything(server)
    server.own.execute_command("DEBUG", "LOADAOF")
    assert everything(server) == before
    server.kill9()
    server.start_again()
    assert everything(server) == before


def test_every_write_reaches_the_append_only_file_once(start_server: Callable[..., Server]) -> None:
    server = start_server(settings={"appendonly": "yes", "appendfsync": "always"})
    server.wait_for_child()
    r = server.client()
    calls = [
        ("SM.CREATE", "k"), ("SM.SET", "k", README), ("SM.MUTATE", "k", "boo"),
        ("SM.MUTATE", "k", "blee", "why"), ("SM.MUTATE", "k", "bar", "back", "FORCE"), ("SM.RESET", "k"),
    ]  # fmt: skip
    for call in calls:
        assert r.execute_command(*call) == "OK"
    r.execute_command("SM.MUTATE", "k", "nowhere")
    (increment,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    words = increment.read_bytes().split(b"\r\n")
    written = [word.decode().upper() for word in words if word.upper().startswith(b"SM.")]
    assert written == [call[0] for call in calls]


def test_dump_and_restore_on_an_empty_server(start_server: Callable[..., Server]) -> None:
    """A payload is self-contained."""
    first, second = start_server(), start_server()
    fill(first)
    raw, other = first.raw(), second.raw()
    for key in raw.execute_command("KEYS", "*"):
        payload = raw.execute_command("DUMP", key)
        other.execute_command("FLUSHALL")
        assert other.execute_command("RESTORE", key, 0, payload) == b"OK"
        other.execute_command("PERSIST", key)
        raw.execute_command("PERSIST", key)
        assert other.execute_command("DEBUG", "DIGEST-VALUE", key) == raw.execute_command("DEBUG", "DIGEST-VALUE", key)


def test_dump_while_a_child_saves(start_server: Callable[..., Server]) -> None:
    """A payload is self-contained also during a BGSAVE, in which machines share definitions."""
    server = start_server(settings={"rdb-key-save-delay": 2000})
    fill(server)
    server.own.execute_command("BGSAVE")
    payload = server.raw().execute_command("DUMP", "moved")
    other = server.raw().execute_command("DUMP", "reason")
    assert server.info("persistence")["rdb_bgsave_in_progress"] == 1
    server.own.config_set("rdb-key-save-delay", 0)
    empty = start_server()
    for key, bytes_ in (("moved", payload), ("reason", other)):
        assert empty.raw().execute_command("RESTORE", key, 0, bytes_) == b"OK"
        assert empty.digest(key) == server.digest(key)
    server.kill9()


def test_migrate(start_server: Callable[..., Server]) -> None:
    first, second = start_server(), start_server()
    fill(first)
    digests = first.digest("moved", "reason", "large")
    for key in ("moved", "reason", "large"):
        first.own.execute_command("MIGRATE", "127.0.0.1", second.port, key, 0, 30_000)
    assert second.digest("moved", "reason", "large") == digests
    assert first.own.exists("moved", "reason", "large") == 0


def test_a_definition_is_saved_once(start_server: Callable[..., Server]) -> None:
    """A thousand machines of one definition make a file little larger than one does."""
    server = start_server(settings={"rdbcompression": "no"})
    document = ring(1000)
    server.own.execute_command("SM.SET", "k", document)
    server.own.save()
    one = (server.folder / "dump.rdb").stat().st_size
    for number in range(1000):
        server.own.execute_command("SM.SET", f"k{number}", document)
    server.own.save()
    many = (server.folder / "dump.rdb").stat().st_size
    assert many - one < 1000 * 100
    bgsave(server)
    assert abs((server.folder / "dump.rdb").stat().st_size - many) < 1000
    server.restart()
    assert server.own.dbsize() == 1001
    assert server.info()["definitions"] == 1


def test_repeated_and_failed_saves_are_complete(start_server: Callable[..., Server]) -> None:
    """The numbers of definitions in one snapshot, also in a failed one, do not affect the next snapshot."""
    server = start_server()
    fill(server)
    before = everything(server)
    for _ in range(3):
        server.own.save()
        bgsave(server)
    (server.folder / "dump.rdb").unlink()
    (server.folder / "dump.rdb").mkdir()
    (server.folder / "dump.rdb" / "blocks the file").touch()
    with pytest.raises(redis.ResponseError):
        server.own.save()
    payload = server.raw().execute_command("DUMP", "moved")
    (server.folder / "dump.rdb" / "blocks the file").unlink()
    (server.folder / "dump.rdb").rmdir()
    server.own.save()
    server.restart()
    assert everything(server) == before
    empty = start_server()
    assert empty.raw().execute_command("RESTORE", "moved", 0, payload) == b"OK"
    assert empty.digest("moved") == server.digest("moved")


def test_a_dump_of_the_rust_module(server: Server) -> None:
    raw, r = server.raw(), server.client()
    assert raw.execute_command("RESTORE", "k", 0, RUST_DUMP) == b"OK"
    assert r.execute_command("SM.STATE", "k") == ["blee"]
    assert r.execute_command("SM.GET", "k", "INITIAL") == "bar"
    assert r.execute_command("SM.GET", "k", "REASON") == ""
    document = json.loads(r.execute_command("SM.GET", "k"))
    document.pop("reason", None)
    assert list(document["map"].items()) == [("boo", ["blee"]), ("bar", ["blee", "boo"]), ("blee", ["bar"])]
    assert (document["current"], document["initial"]) == ("blee", "bar")
    assert r.execute_command("SM.MUTATE", "k", "boo") is None
    assert r.execute_command("SM.MUTATE", "k", "bar", "on we go") == "OK"
    (digest,) = server.digest("k")
    payload = raw.execute_command("DUMP", "k")
    assert raw.execute_command("RESTORE", "k2", 0, payload) == b"OK"
    server.own.execute_command("DEBUG", "RELOAD")
    assert server.digest("k", "k2") == [digest, digest]


def test_digests_depend_on_the_value_alone(start_server: Callable[..., Server]) -> None:
    """Equal machines have equal digests, whichever commands led to them."""
    first, second = start_server(), start_server()
    first.own.execute_command("SM.SET", "k", README, "boo")
    first.own.execute_command("SM.MUTATE", "k", "blee", "why")
    second.own.execute_command("SM.SET", "k", TRAFFIC)
    second.own.execute_command("SM.SET", "k", README.replace(" ", ""))
    second.own.execute_command("SM.MUTATE", "k", "blee", "why")
    second.own.execute_command("DEBUG", "RELOAD")
    assert first.digest("k") == second.digest("k")
    assert first.digest("k") != first.digest("none")


def test_random_moves_between_saves(start_server: Callable[..., Server]) -> None:
    """Each snapshot has the states of its moment."""
    server = start_server()
    fill(server)
    dice = random.Random(7)
    for _ in range(5):
        for _ in range(300):
            number = dice.randrange(DEFINITIONS)
            key = dice.choice([f"many:{number}", f"twin:{number}"])
            server.own.execute_command("SM.MUTATE", key, f"m{number}-{dice.randrange(3)}", "r", "FORCE")
        before = everything(server)
        bgsave(server)
        server.kill9()
        server.start_again()
        assert everything(server) == before


@pytest.mark.parametrize("damage", ["flip", "truncate", "type version"])
def test_a_damaged_payload_is_refused(server: Server, damage: str) -> None:
    raw = server.raw()
    server.own.execute_command("SM.SET", "k", README)
    payload = bytearray(raw.execute_command("DUMP", "k"))
    if damage == "flip":
        payload[len(payload) // 2] ^= 0xFF
    elif damage == "truncate":
        payload = payload[: len(payload) // 2]
    else:
        payload[-10] = 0xFF
    with pytest.raises(redis.ResponseError):
        raw.execute_command("RESTORE", "new", 0, bytes(payload))
    assert server.own.exists("new") == 0
    assert server.own.execute_command("SM.STATE", "k") == ["bar"]
