"""redisstate.server-encoded-replies: a reply of SM.STATE, SM.SEND or SM.GET that is requested often is encoded by the
server once, and then sent as it is. Clients see no difference."""

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
"""Requests after which a reply is certainly encoded by the server; the module does that after 1,024."""

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
    "more regions than the limit": (
        compact({"type": "parallel", "states": {f"r{n}": {} for n in range(50)}}), [f"r{n}" for n in range(50)],
    ),
}  # fmt: skip


def repeat(r: redis.Redis, times: int, command: str) -> list[Any]:
    """The replies to a command on the key ``k``, sent so many times."""
    with r.pipeline(transaction=False) as pipe:
        for _ in range(times):
            pipe.execute_command(command, "k")
        return list(pipe.execute())


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("protocol", [2, 3])
def test_sm_state_answers_the_same(server: Server, name: str, protocol: int) -> None:
    document, expected = DOCUMENTS[name]
    r = server.client(protocol=protocol)
    r.execute_command("SM.SET", "k", document)
    assert all(answer == expected for answer in repeat(r, OFTEN, "SM.STATE"))
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.STATE", "k")
        pipe.execute_command("SM.STATE", "k")
        assert pipe.execute() == [expected, expected]
    assert r.eval("return redis.call('SM.STATE', KEYS[1])", 1, "k") == expected
    other = server.client(protocol=5 - protocol)
    assert other.execute_command("SM.STATE", "k") == expected


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("protocol", [2, 3])
def test_sm_get_answers_the_same(server: Server, name: str, protocol: int) -> None:
    r = server.client(protocol=protocol)
    r.execute_command("SM.SET", "k", DOCUMENTS[name][0])
    (expected,) = repeat(r, 1, "SM.GET")
    assert set(repeat(r, OFTEN, "SM.GET")) == {expected}
    assert r.eval("return redis.call('SM.GET', KEYS[1])", 1, "k") == expected
    other = server.client(protocol=5 - protocol)
    assert other.execute_command("SM.GET", "k") == expected
    assert other.execute_command("SM.STATE", "k") == DOCUMENTS[name][1]


def test_a_reason_is_in_the_reply_of_its_machine_only(server: Server) -> None:
    """Machines with and without a reason share a node, and so its encoded document."""
    r = server.client()
    r.execute_command("SM.SET", "k", TRAFFIC)
    (without,) = repeat(r, 1, "SM.GET")
    assert set(repeat(r, OFTEN, "SM.GET")) == {without}
    r.execute_command("SM.MUTATE", "k", "green", "by ann")
    green = repeat(r, OFTEN, "SM.GET")
    assert set(green) == {green[0]}
    assert '"reason":"by ann"' in green[0]
    r.execute_command("SM.MUTATE", "k", "red", "again", "FORCE")
    (with_reason,) = repeat(r, 1, "SM.GET")
    assert with_reason != without
    assert '"reason":"again"' in with_reason
    r.execute_command("SM.MUTATE", "k", "green")
    (green_without,) = repeat(r, 1, "SM.GET")
    assert "reason" not in green_without
    assert set(repeat(r, OFTEN, "SM.GET")) == {green_without}


@pytest.mark.parametrize("how", ["MULTI", "Lua"])
def test_sm_get_in_multi_and_lua_answers_the_same(server: Server, how: str) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", TRAFFIC)
    (expected,) = repeat(r, 1, "SM.GET")
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
def test_encoding_may_happen_in_multi_or_lua(server: Server, how: str) -> None:
    """The command that encodes a reply may run within MULTI or a script of a client."""
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
def test_encoded_replies_are_counted_and_freed(server: Server, command: str, document: str) -> None:
    r = server.client()
    server.wait_info(machines=0, definitions=0)
    r.execute_command("SM.SET", "k", document)
    before = server.info()["nodes_bytes"]
    repeat(r, OFTEN, command)
    encoded = server.info()["nodes_bytes"]
    assert before + 50 < encoded < before + 2000
    repeat(r, OFTEN, command)
    assert server.info()["nodes_bytes"] == encoded
    r.flushall()
    server.wait_info(machines=0, definitions=0, nodes=0, nodes_bytes=0)


def monitored(server: Server, times: int, command: str) -> list[str]:
    """What MONITOR shows, in upper case, while the command is sent so many times to a new machine."""
    server.wait_info(definitions=0)  # an earlier test's definition would have counted its own requests
    server.own.execute_command("SM.SET", "k", TRAFFIC)
    with server.client().monitor() as monitor:
        repeat(server.own, times, command)
        server.own.ping()
        commands: list[str] = []
        while not commands or commands[-1] != "PING":
            commands.append(monitor.next_command()["command"].upper())
    return commands[:-1]


@pytest.mark.parametrize("command", ["SM.STATE", "SM.GET"])
def test_a_few_reads_show_in_monitor_as_themselves(server: Server, command: str) -> None:
    assert monitored(server, 100, command) == [f"{command} K"] * 100


@pytest.mark.parametrize(("command", "encoder"), [("SM.STATE", "COMMAND GETKEYS"), ("SM.GET", "ECHO")])
def test_many_reads_show_in_monitor_with_one_command_that_encodes(server: Server, command: str, encoder: str) -> None:
    others = [shown for shown in monitored(server, OFTEN, command) if shown != f"{command} K"]
    assert len(others) == 1
    assert others[0].startswith(encoder)


@pytest.mark.parametrize("command", ["SM.STATE", "SM.GET"])
def test_the_setting_turns_it_off(server: Server, command: str) -> None:
    server.config("redisstate.server-encoded-replies", "no")
    assert monitored(server, OFTEN, command) == [f"{command} K"] * OFTEN


@pytest.mark.parametrize(
    ("command", "name", "count"), [("SM.STATE", "a state with a long name ", 20), ("SM.GET", "s", 10)]
)
def test_memory_of_encoded_replies_comes_back(
    start_server: Callable[..., Server], command: str, name: str, count: int
) -> None:
    """Each round encodes the replies of several nodes: if they leaked, used_memory would grow by their size."""
    server = start_server(settings={"hz": 500, "latency-tracking": "no", "slowlog-log-slower-than": -1})
    document = ring(count, name)

    def store_and_delete(times: int) -> tuple[int, int]:
        server.own.execute_command("SM.SET", "k", document)
        before = server.info()["nodes_bytes"]
        for number in range(1, count + 1):
            repeat(server.own, times, command)
            server.own.execute_command("SM.MUTATE", "k", f"{name}{number % count}")
        encoded = server.info()["nodes_bytes"] - before
        server.own.flushall()
        server.wait_info(machines=0, definitions=0, nodes=0)
        return encoded, min(server.info("memory")["used_memory"] for _ in range(5))

    for _ in range(40):  # fills the lists of free blocks
        store_and_delete(1)
    sizes, encoded = [], 0
    for _ in range(6):
        encoded, memory = store_and_delete(1100)
        sizes.append(memory)
    assert encoded > count * 150
    assert statistics.median(b - a for a, b in itertools.pairwise(sizes)) < encoded / 2, sizes


@pytest.mark.parametrize(
    "renamed", [*[(command, "") for command in ("COMMAND", "MGET", "SELECT", "ECHO")], ("MGET", "OTHER")], ids=" ".join
)
def test_replies_without_the_encoding_command(start_server: Callable[..., Server], renamed: tuple[str, str]) -> None:
    server = start_server(settings={"rename-command": [renamed]})
    r = server.client()
    assert r.execute_command("SM.SET", "k", TRAFFIC) == "OK"
    assert all(answer == ["red"] for answer in repeat(r, OFTEN, "SM.STATE"))
    (document,) = repeat(r, 1, "SM.GET")
    assert set(repeat(r, OFTEN, "SM.GET")) == {document}
    assert server.alive()
