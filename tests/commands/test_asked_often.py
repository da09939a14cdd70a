"""What is asked for again and again is sent as the server encoded it once: nothing else may differ."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.documents import TRAFFIC, compact, flat, ring
from tests.servers import Server

OFTEN = 3000

REGIONS = {
    "type": "parallel",
    "states": {
        name: {"initial": "on", "states": {"on": {"on": {"GO": "off"}}, "off": {"on": {"GO": "on"}}}}
        for name in ("light", "a b", "é", 'say "x"', "5")
    },
}
DOCUMENTS = {
    "flat": (TRAFFIC, ["red"]),
    "an empty name": (flat({"": ["b"]}, ""), [""]),
    "bytes that end lines": (flat({"a\r\n\0b": []}, "a\r\n\0b"), ["a\r\n\0b"]),
    "a long name": (flat({"x" * 2000: []}, "x" * 2000), ["x" * 2000]),
    "regions": (compact(REGIONS), ["light.on", "a b.on", "é.on", 'say "x".on', "5.on"]),
    "more regions than are kept": (
        compact({"type": "parallel", "states": {f"r{n}": {} for n in range(50)}}), [f"r{n}" for n in range(50)],
    ),
}  # fmt: skip


def ask(r: redis.Redis, times: int, command: str) -> list[Any]:
    with r.pipeline(transaction=False) as pipe:
        for _ in range(times):
            pipe.execute_command(command, "k")
        return list(pipe.execute())


def states(r: redis.Redis, times: int) -> list[Any]:
    return ask(r, times, "SM.STATE")


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("protocol", [2, 3])
def test_the_answer_stays_the_same(server: Server, name: str, protocol: int) -> None:
    document, expected = DOCUMENTS[name]
    r = server.client(protocol=protocol)
    r.execute_command("SM.SET", "k", document)
    assert all(answer == expected for answer in states(r, OFTEN))
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.STATE", "k")
        pipe.execute_command("SM.STATE", "k")
        assert pipe.execute() == [expected, expected]
    assert r.eval("return redis.call('SM.STATE', KEYS[1])", 1, "k") == expected
    other = server.client(protocol=5 - protocol)
    assert other.execute_command("SM.STATE", "k") == expected


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("protocol", [2, 3])
def test_the_document_stays_the_same(server: Server, name: str, protocol: int) -> None:
    r = server.client(protocol=protocol)
    r.execute_command("SM.SET", "k", DOCUMENTS[name][0])
    (expected,) = ask(r, 1, "SM.GET")
    assert set(ask(r, OFTEN, "SM.GET")) == {expected}
    assert r.eval("return redis.call('SM.GET', KEYS[1])", 1, "k") == expected
    other = server.client(protocol=5 - protocol)
    assert other.execute_command("SM.GET", "k") == expected
    assert other.execute_command("SM.STATE", "k") == DOCUMENTS[name][1]


def test_a_reason_is_never_left_out(server: Server) -> None:
    """Machines with and without a reason stand on one node, whose document is kept."""
    r = server.client()
    r.execute_command("SM.SET", "k", TRAFFIC)
    (without,) = ask(r, 1, "SM.GET")
    assert set(ask(r, OFTEN, "SM.GET")) == {without}
    r.execute_command("SM.MUTATE", "k", "green", "by ann")
    green = ask(r, OFTEN, "SM.GET")
    assert set(green) == {green[0]}
    assert '"reason":"by ann"' in green[0]
    r.execute_command("SM.MUTATE", "k", "red", "again", "FORCE")
    (with_reason,) = ask(r, 1, "SM.GET")
    assert with_reason != without
    assert '"reason":"again"' in with_reason
    r.execute_command("SM.MUTATE", "k", "green")
    (green_without,) = ask(r, 1, "SM.GET")
    assert "reason" not in green_without
    assert set(ask(r, OFTEN, "SM.GET")) == {green_without}


@pytest.mark.parametrize("how", ["MULTI", "Lua"])
def test_a_document_is_kept_wherever_it_is_asked_for(server: Server, how: str) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", TRAFFIC)
    (expected,) = ask(r, 1, "SM.GET")
    if how == "Lua":
        script = "local t = {} for i = 1, ARGV[1] do t[i] = redis.call('SM.GET', KEYS[1]) end return t"
        answers = r.eval(script, 1, "k", str(OFTEN))
    else:
        with r.pipeline(transaction=True) as pipe:
            for _ in range(OFTEN):
                pipe.execute_command("SM.GET", "k")
            answers = pipe.execute()
    assert answers == [expected] * OFTEN


@pytest.mark.parametrize("how", ["alone", "MULTI", "Lua"])
def test_it_begins_wherever_it_is_asked(server: Server, how: str) -> None:
    """The moment when the server is asked for its encoding may lie within MULTI or a script."""
    r = server.client()
    r.execute_command("SM.SET", "k", compact(REGIONS))
    count = 500
    changed = server.writes()
    on, off = ([f"{name}.{state}" for name in REGIONS["states"]] for state in ("on", "off"))
    for _ in range(OFTEN // count):
        if how == "Lua":
            script = "local t = {} for i = 1, ARGV[1] do t[i] = redis.call('SM.SEND', KEYS[1], 'GO') end return t"
            answers = r.eval(script, 1, "k", str(count))
        else:
            with r.pipeline(transaction=how == "MULTI") as pipe:
                for _ in range(count):
                    pipe.execute_command("SM.SEND", "k", "GO")
                answers = pipe.execute()
        assert answers == [off, on] * (count // 2)
    assert server.writes() - changed == OFTEN


@pytest.mark.parametrize(("command", "document"), [("SM.STATE", compact(REGIONS)), ("SM.GET", TRAFFIC)])
def test_what_is_kept_is_counted_and_given_back(server: Server, command: str, document: str) -> None:
    r = server.client()
    server.wait_info(machines=0, definitions=0)
    r.execute_command("SM.SET", "k", document)
    before = server.info()["nodes_bytes"]
    ask(r, OFTEN, command)
    kept = server.info()["nodes_bytes"]
    assert before + 50 < kept < before + 2000
    ask(r, OFTEN, command)
    assert server.info()["nodes_bytes"] == kept
    r.flushall()
    server.wait_info(machines=0, definitions=0, nodes=0, nodes_bytes=0)


@pytest.mark.parametrize("command", ["SM.STATE", "SM.GET"])
def test_a_look_at_a_machine_shows_in_monitor_as_itself_alone(server: Server, command: str) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", TRAFFIC)
    with r.monitor() as monitor:
        ask(server.own, 100, command)
        server.own.ping()
        commands = []
        while not commands or commands[-1] != "PING":
            commands.append(monitor.next_command()["command"].upper())
    assert commands[:-1] == [f"{command} K"] * 100


@pytest.mark.parametrize(
    ("command", "name", "count"), [("SM.STATE", "a state with a long name ", 20), ("SM.GET", "s", 10)]
)
def test_what_is_kept_is_really_given_back(
    start_server: Callable[..., Server], command: str, name: str, count: int
) -> None:
    """Each round keeps what some nodes answer: were it left behind, used_memory would grow by what a round takes."""
    server = start_server(settings={"hz": 500, "latency-tracking": "no", "slowlog-log-slower-than": -1})
    document = ring(count, name)

    def come_and_go(times: int) -> tuple[int, int]:
        server.own.execute_command("SM.SET", "k", document)
        before = server.info()["nodes_bytes"]
        for number in range(1, count + 1):
            ask(server.own, times, command)
            server.own.execute_command("SM.MUTATE", "k", f"{name}{number % count}")
        kept = server.info()["nodes_bytes"] - before
        server.own.flushall()
        server.wait_info(machines=0, definitions=0, nodes=0)
        return kept, min(server.info("memory")["used_memory"] for _ in range(5))

    for _ in range(40):  # until as many freed blocks of each size are kept for Python as may be
        come_and_go(1)
    held, kept = [], 0
    for _ in range(6):
        kept, memory = come_and_go(1100)
        held.append(memory)
    assert kept > count * 150
    assert statistics.median(b - a for a, b in itertools.pairwise(held)) < kept / 2, held


@pytest.mark.parametrize(
    "renamed", [*[(command, "") for command in ("COMMAND", "MGET", "SELECT", "ECHO")], ("MGET", "OTHER")], ids=" ".join
)
def test_without_the_servers_command_it_goes_on(start_server: Callable[..., Server], renamed: tuple[str, str]) -> None:
    server = start_server(settings={"rename-command": [renamed]})
    r = server.client()
    assert r.execute_command("SM.SET", "k", TRAFFIC) == "OK"
    assert all(answer == ["red"] for answer in states(r, OFTEN))
    (document,) = ask(r, 1, "SM.GET")
    assert set(ask(r, OFTEN, "SM.GET")) == {document}
    assert server.alive()
