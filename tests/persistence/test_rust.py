"""What the Rust module stored (encoding version 1) loads: payloads, and an RDB file built around them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis

from tests import payloads
from tests.documents import RUST_DUMP, compact, ring
from tests.servers import Server

ROWS = {"boo": ["blee"], "bar": ["blee", "boo"], "blee": ["bar"]}
BACKWARDS = dict(reversed(ROWS.items()))


def stored(rows: dict[str, list[str]], initial: str, current: str = "", reason: str = "") -> str:
    """A document as the Rust module wrote it, always with all four members."""
    return compact({"current": current, "map": rows, "initial": initial, "reason": reason})


MACHINES = {
    "at the start": (stored(ROWS, "bar"), "bar", ""),
    "moved": (stored(ROWS, "bar", "blee"), "blee", ""),
    "with a reason": (stored(ROWS, "bar", "boo", "because\n\u0000é"), "boo", "because\n\u0000é"),
    "rows in another order": (stored(BACKWARDS, "bar", "boo"), "boo", ""),
    "an end without a row": (stored({"a": ["end"]}, "a", "end", "over"), "end", "over"),
    "an end with an empty row": (stored({"end": [], "a": ["end"]}, "a", "end"), "end", ""),
    "empty": (stored({}, ""), "", ""),
    "only an initial state": (stored({}, "x", "x"), "x", ""),
    "in a state named by nothing": (stored({"": ["a"], "a": [""]}, "a", ""), "", ""),
    "members in another order": (
        compact({"reason": "r", "initial": "bar", "map": ROWS, "current": "blee"}), "blee", "r",
    ),
    "a thousand states": (compact({**json.loads(ring(1000)), "current": "s999", "reason": ""}), "s999", ""),
    "no reason": (compact({"current": "blee", "map": ROWS, "initial": "bar"}), "blee", ""),
}  # fmt: skip


def check(r: redis.Redis, key: str) -> None:
    document, state, reason = MACHINES[key]
    want = json.loads(document)
    got = json.loads(r.execute_command("SM.GET", key))
    assert list(got["map"].items()) == list(want["map"].items())
    assert (got["current"], got["initial"], got.get("reason", "")) == (state, want["initial"], reason)
    assert r.execute_command("SM.STATE", key) == [state]
    assert r.execute_command("SM.GET", key, "REASON") == reason
    for target in want["map"].get(state, [])[:1]:
        assert r.execute_command("SM.MUTATE", key, target) == "OK"
    if not want["map"].get(state):
        assert r.execute_command("SM.MUTATE", key, "anywhere") is None


@pytest.mark.parametrize("key", MACHINES)
def test_a_payload(server: Server, key: str) -> None:
    raw, r = server.raw(), server.client()
    payload = payloads.rust(MACHINES[key][0]).dump()
    assert raw.execute_command("RESTORE", key, 0, payload) == b"OK"
    again = raw.execute_command("DUMP", key)
    assert payloads.parse(again).version == 3
    assert raw.execute_command("RESTORE", "again", 0, again) == b"OK"
    assert server.digest("again") == server.digest(key)
    check(r, key)


def test_a_machine_whose_document_counts_steps_begins_with_the_first(server: Server) -> None:
    raw = server.raw()
    document = compact({"current": "a", "map": {"a": ["b"]}, "initial": "a", "store": {"history": 5}})
    assert raw.execute_command("RESTORE", "k", 0, payloads.rust(document).dump()) == b"OK"
    assert raw.execute_command("SM.GET", "k", "REVISION") == 1
    assert raw.execute_command("RESTORE", "again", 0, raw.execute_command("DUMP", "k")) == b"OK"


def test_a_payload_is_built_as_the_rust_module_built_it() -> None:
    """A known payload of it is reproduced byte for byte."""
    (document,) = (field.value for field in payloads.parse(RUST_DUMP).fields)
    assert isinstance(document, bytes)
    assert payloads.rust(document.decode()).dump() == RUST_DUMP


@pytest.mark.parametrize("how", ["start", "reload"])
def test_an_rdb_file(start_server: Callable[..., Server], how: str) -> None:
    file = payloads.rdb_file((key.encode(), payloads.rust(document)) for key, (document, _, _) in MACHINES.items())
    server = start_server()
    if how == "reload":
        (server.folder / "dump.rdb").write_bytes(file)
        server.own.execute_command("DEBUG", "RELOAD", "NOSAVE")
    else:
        server.kill9()
        (server.folder / "dump.rdb").write_bytes(file)
        server.start_again()
    r = server.client()
    assert {key.decode() for key in server.raw().execute_command("KEYS", "*")} == set(MACHINES)
    server.own.save()
    for key in MACHINES:
        check(r, key)
    moved = {key: server.digest(key) for key in MACHINES}
    server.own.execute_command("DEBUG", "RELOAD")
    assert {key: server.digest(key) for key in MACHINES} == moved


def test_a_state_that_its_document_does_not_name(start_server: Callable[..., Server]) -> None:
    """The Rust module allowed it. Such a machine loads from a file, and is refused from a client."""
    document = stored({"a": ["b"]}, "a", "gone", "why")
    server = start_server()
    with pytest.raises(redis.ResponseError):
        server.raw().execute_command("RESTORE", "k", 0, payloads.rust(document).dump())
    assert "no state 'gone'" in server.log()
    server.kill9()
    (server.folder / "dump.rdb").write_bytes(payloads.rdb_file([(b"k", payloads.rust(document))]))
    server.start_again()
    r = server.client()
    for _ in range(2):
        assert r.execute_command("SM.STATE", "k") == ["gone"]
        assert r.execute_command("SM.GET", "k", "REASON") == "why"
        assert r.execute_command("SM.MUTATE", "k", "b") is None
        r.execute_command("DEBUG", "RELOAD")
    r.config_set("appendonly", "yes")
    server.wait_for_child()
    r.config_set("aof-use-rdb-preamble", "no")
    r.bgrewriteaof()
    server.wait_for_child()
    r.execute_command("DEBUG", "LOADAOF")
    assert r.execute_command("SM.STATE", "k") == ["gone"]
    assert r.execute_command("SM.RESET", "k") == "OK"
    assert r.execute_command("SM.STATE", "k") == ["a"]


@pytest.mark.parametrize(
    "document",
    ["", "{", "[]", "null", '{"map":{},"initial":1}', '{"map":{"a":[1]},"initial":"a"}', '{"initial":"a"}', "\0" * 50],
)
def test_what_is_no_document_is_refused(server: Server, document: str) -> None:
    with pytest.raises(redis.ResponseError, match=r"[Bb]ad data format"):
        server.raw().execute_command("RESTORE", "k", 0, payloads.rust(document).dump())
    assert "cannot load a state machine: version 1: invalid document at $" in server.log()
    assert server.own.exists("k") == 0
