"""The memory of memo and engine is bounded, and other modules may run at our events and calls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.charts_with_data import ORDER
from tests.documents import README, flat, ring
from tests.embedding.modules import compile_module
from tests.servers import MODULE, Server, wait_until

MEGABYTE = 1 << 20
PARALLEL = '{"type":"parallel","states":{"here":{},"there":{}}}'
CHART = '{"initial":"a","states":{"a":{"on":{"GO":"b"}},"b":{"on":{"*":"a"}}}%s}'


def memo_bytes(server: Server) -> int:
    info = server.info()
    return int(info["nodes_bytes"]) + int(info["edges_bytes"])


@pytest.mark.parametrize("document", [README[:-1] + ',"meta":%d,"current":"zz"}', CHART % ',"meta":%d,"current":"zz"'])
def test_documents_with_an_unknown_current_leave_nothing(start_server: Callable[..., Server], document: str) -> None:
    document = document.replace('"current":"",', "")
    server = start_server()

    def send(first: int) -> int:
        with server.own.pipeline(transaction=False) as pipe:
            for number in range(first, first + 4000):
                pipe.execute_command("SM.SET", "k", document % number)
            replies = pipe.execute(raise_on_error=False)
        assert all("$.current" in str(reply) for reply in replies)
        server.wait_info(definitions=0)
        return int(server.info()["python_bytes"])

    before = send(0)
    assert send(4000) - before < MEGABYTE


@pytest.mark.parametrize("size", [10, 1000, 15_000])
def test_the_memo_is_bounded_whatever_the_size_of_its_items(start_server: Callable[..., Server], size: int) -> None:
    server = start_server(settings={"redisstate.max-memo-bytes": "1mb"})
    r = server.client()
    r.execute_command("SM.SET", "small", README)
    with r.pipeline(transaction=False) as pipe:
        for number in range(8000):
            pipe.execute_command("SM.MUTATE", "small", f"no such state {number}")
        for number in range(6_000_000 // (size + 60)):
            pipe.execute_command("SM.SET", "k", README + " " * (size * (number % 997) // 997) + "\n" * (number // 997))
        pipe.execute()
    assert memo_bytes(server) < 1.5 * MEGABYTE
    assert server.info()["evictions"] > 0
    assert r.execute_command("SM.MUTATE", "small", "boo") == "OK"


def test_long_arguments_are_not_remembered(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", CHART % "")
    r.execute_command("SM.SEND", "k", "GO")
    before = memo_bytes(server)
    for number in range(50):
        assert r.execute_command("SM.CAN", "k", f"{number}" + "x" * 100_000) == 1
    assert memo_bytes(server) - before < 100_000


def test_a_lower_bound_takes_effect_at_once(start_server: Callable[..., Server]) -> None:
    server = start_server()
    r = server.client()
    r.execute_command("SM.SET", "k", README)
    with r.pipeline(transaction=False) as pipe:
        for number in range(30_000):
            pipe.execute_command("SM.MUTATE", "k", f"no such state {number}")
        pipe.execute()
    assert memo_bytes(server) > 3 * MEGABYTE
    r.config_set("redisstate.max-memo-bytes", "1mb")
    wait_until(lambda: memo_bytes(server) < 1.1 * MEGABYTE, "the memo shrinks")
    assert r.execute_command("SM.MUTATE", "k", "boo") == "OK"


def test_a_definition_with_many_edges_is_freed(start_server: Callable[..., Server]) -> None:
    server = start_server()
    r = server.client()
    r.execute_command("SM.SET", "k", ring(2000))
    with r.pipeline(transaction=False) as pipe:
        for number in range(20_000):
            pipe.execute_command("SM.MUTATE", "k", f"s{number % 2000}")
            pipe.execute_command("SM.CAN", "k", f"no such state {number}")
        pipe.execute()
    assert int(server.info()["edges"]) > 20_000
    r.delete("k")
    server.wait_info(definitions=0, nodes=0, edges=0, nodes_bytes=0, edges_bytes=0, definitions_bytes=0)
    r.execute_command("SM.SET", "k", ring(2000))
    assert r.execute_command("SM.MUTATE", "k", "s1") == "OK"


def test_memory_of_nodes(start_server: Callable[..., Server]) -> None:
    """It is reused where one node in ten stays, and freed when all are gone."""
    server = start_server()
    machines, stay = 8000, 800

    def used() -> int:
        return int(server.info("memory")["used_memory"])

    def round_of(serial: int, machines: int, stay: int) -> int:
        """Stores machines with a definition each, and deletes most of them. Returns used_memory before the deletion."""
        names = [f"{serial} {number}" for number in range(machines)]
        with server.own.pipeline(transaction=False) as pipe:
            for number, name in enumerate(names):
                state = name + "x" * (number % 2 * 100)
                pipe.execute_command("SM.SET", name, flat({state: []}, state))
            pipe.execute()
        most = used()
        server.own.delete(*set(names).difference(names[:: machines // stay] if stay else ()))
        server.wait_info(definitions=(serial + 1) * stay, nodes=(serial + 1) * stay)
        return most

    round_of(0, 100, 0)
    before = used()
    most = [round_of(serial, machines, stay) for serial in range(5)]
    server.own.flushall()
    server.wait_info(definitions=0, nodes=0)
    assert most[0] - before < machines * 3000, "bytes for a definition and a key"
    one = (most[0] - before) / machines
    assert most[4] - most[0] < 4 * stay * one + MEGABYTE, most
    assert used() - before < MEGABYTE / 2


def test_reasons_of_every_length(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["a"]}, "a"))
    for length in [*range(40), 1000, 999, 500, 499, 0, 3, 100_000, 2]:
        assert r.execute_command("SM.MUTATE", "k", "a", "é" * length) == "OK"
        assert r.execute_command("SM.GET", "k", "REASON") == "é" * length
    r.delete("k")
    server.wait_info(machines=0, machines_bytes=0)


def test_a_load_that_fails_leaves_nothing_behind(start_server: Callable[..., Server]) -> None:
    server = start_server(module=None)
    for arguments in (
        ("max-states", "5", "invalid-transition", "bogus"),
        ("max-states",),
        ("invalid-transition", "error", "x", "y"),
    ):
        with pytest.raises(redis.ResponseError):
            server.own.execute_command("MODULE", "LOAD", str(MODULE), *arguments)
    server.own.execute_command("DEBUG", "SLEEP", "0.3")
    assert server.own.ping()
    server.own.execute_command("MODULE", "LOAD", str(MODULE), "max-document-bytes", "2mb")
    settings = server.own.config_get("redisstate.*")
    assert settings["redisstate.max-states"] == "10000"
    assert settings["redisstate.invalid-transition"] == "nil"
    assert settings["redisstate.max-document-bytes"] == str(2 * MEGABYTE)


@pytest.mark.parametrize("document", [README, PARALLEL])
def test_a_filter_of_another_module_changes_no_answer(
    start_server: Callable[..., Server], tmp_path: Path, document: str
) -> None:
    """A filter can change the command by which the server encodes a reply; then the reply is not used."""
    filters = compile_module("rewriting_filter.c", tmp_path)
    server = start_server(settings={"loadmodule": [(MODULE,), (filters,)]}, module=None)
    r = server.client()
    assert r.execute_command("ECHO", "the filter works") == "?" * 16
    r.execute_command("SM.SET", "k", document)
    for command in ("SM.STATE", "SM.GET"):
        with r.pipeline(transaction=False) as pipe:
            for _ in range(2000):
                pipe.execute_command(command, "k")
            answers = pipe.execute()
        assert answers == [answers[0]] * 2000, command


def test_a_listener_that_deletes_the_key_changes_no_answer(start_server: Callable[..., Server], tmp_path: Path) -> None:
    listener = compile_module("deleting_listener.c", tmp_path)
    server = start_server(settings={"loadmodule": [(MODULE,), (listener,)]}, module=None)
    r = server.client()
    names = [f"action{number}" + "x" * 500 for number in range(60)]
    chart = json.dumps({"initial": "a", "states": {"a": {"on": {"GO": {"target": "b", "actions": names}}}, "b": {}}})
    other = server.raw()
    other.restore("other", 0, dumped(start_server))
    for command, answer in [
        (("SM.SET", "k", chart), "OK"),
        (("SM.CREATE", "k"), "OK"),
    ]:
        assert r.execute_command(*command) == answer
        assert r.exists("k") == 0
    payload = dumped(start_server, chart)
    for command, answer in [
        (("SM.SEND", "k", "GO", "ACTIONS"), [["b"], names]),
        (("SM.MUTATE", "k", "b", "why", "FORCE"), "OK"),
        (("SM.SEND", "k", "GO"), ["b"]),
    ]:
        other.restore("k", 0, payload)
        assert r.execute_command(*command) == answer
        assert r.exists("k") == 0


@pytest.mark.parametrize("stream", ["has expired", "begins"])
def test_a_listener_that_deletes_the_machine_while_its_outbox_is_opened(
    start_server: Callable[..., Server], tmp_path: Path, stream: str
) -> None:
    listener = compile_module("stream_listener.c", tmp_path)
    server = start_server(settings={"loadmodule": [(MODULE,), (listener,)]}, module=None)
    r = server.client()
    r.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    chart = {"initial": "a", "context": {"x": "y" * 200}, "store": {"outbox": {"stream": stream}},
             "states": {"a": {"on": {"GO": {"actions": "hi"}}}}}  # fmt: skip
    r.execute_command("SM.SET", "k", json.dumps(chart))
    if stream == "has expired":
        r.xadd(stream, {"a": "b"})
        due = int(time.time() * 1000) + 50
        r.pexpireat(stream, due)
        wait_until(lambda: time.time() * 1000 > due + 2, "the stream has expired")
    with pytest.raises(redis.ResponseError, match=f"the machine has changed while its outbox '{stream}' was opened"):
        r.execute_command("SM.SEND", "k", "GO")
    assert r.exists("k", stream) == 0


def test_a_listener_that_moves_and_deletes_a_machine_with_data(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    """The same answers as without it."""
    listener = compile_module("deleting_listener.c", tmp_path)
    server = start_server(settings={"loadmodule": [(MODULE,), (listener,)]}, module=None)
    plain = start_server()
    other, payload = server.raw(), dumped(start_server, ORDER)
    other.restore("data", 0, payload)
    other.restore("other", 0, payload)
    amount = ("DATA", '{"amount": 5}', "REASON", "why")
    for number, command in enumerate(
        [
            ("SM.SET", "k", ORDER, "INPUT", '{"total": 5}', "EFFECTS"),
            ("SM.SEND", "k", "PAY", *amount),
            ("SM.SEND", "k", "PAY", *amount, "EFFECTS"),
            ("SM.SEND", "k", "PAY", "DATA", '{"amount": 50}', "EFFECTS"),
            ("SM.SEND", "k", "HOLD", "EFFECTS"),
            ("SM.SEND", "k", "SKIP", "GUARDS", "1", "isVip", "ACTIONS"),
            ("SM.MUTATE", "k", "paid", *amount, "GUARDS", "1", "isVip", "EFFECTS"),
            ("SM.MUTATE", "k", "paid", *amount, "FORCE", "EFFECTS"),
            ("SM.RESET", "k", "INPUT", '{"total": 9}', "EFFECTS", "REASON", "again"),
        ],
        1,
    ):
        answers = []
        for r in (other, plain.raw()):
            r.restore("k", 0, payload, replace=True)
            answers.append(r.execute_command(*command))
        assert answers[0] == answers[1]
        assert other.exists("k") == 0
        assert json.loads(other.execute_command("SM.GET", "data", "CONTEXT"))["paid"] == number


def dumped(start_server: Callable[..., Server], document: str = README) -> bytes:
    """The payload of a machine, made by a server without the listener."""
    r = start_server().raw()
    r.execute_command("SM.SET", "k", document)
    payload: bytes = r.dump("k")
    return payload
