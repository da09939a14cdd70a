"""A document that the primary accepted is accepted by its replicas and from their disks, whatever their limits are.

Limits are for clients. A replica that refused a document of its primary would lose data.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis

from tests.documents import compact, flat, nested, ring
from tests.groups import STRICT, alone, assert_same, caught_up, digest, follow
from tests.replication.call_forms import FORMS, Words, load_function
from tests.servers import Server

Start = Callable[..., Server]
Form = Callable[[redis.Redis, Words], object]

LARGE = {
    "states": ring(30),
    "bytes": flat({"a": ["b"], "b": ["a"]}, "a", description="x" * 2000),
    "nesting": nested(20),
    "chart": '{"id":"c","initial":"a","states":{"a":{"on":{"GO":"b"}},"b":{}},"meta":"' + "x" * 2000 + '"}',
}
SMALL = '{"map":{},"initial":"s"}'
LOW = ["max-states", "3", "max-document-bytes", "300", "max-nesting", "4"]


def replica(start_server: Start, **settings: object) -> Server:
    return start_server(settings=STRICT | {"appendonly": "yes"} | settings, module_args=LOW)


def refuses_clients(server: Server) -> None:
    for name, document in LARGE.items():
        with pytest.raises(redis.ResponseError, match="invalid document"):
            server.own.execute_command("SM.SET", f"new {name}", document)


def store(r: redis.Redis) -> None:
    for name, document in LARGE.items():
        r.execute_command("SM.SET", name, document)


@pytest.fixture
def dumps(start_server: Start) -> dict[str, bytes]:
    """Dumps of the large documents, made by a server that nobody replicates."""
    server = start_server()
    store(server.own)
    return {name: server.raw().execute_command("DUMP", name) for name in LARGE}


@pytest.mark.parametrize("command", ["SM.SET", "RESTORE"])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_what_the_primary_took(start_server: Start, dumps: dict[str, bytes], form: Form, command: str) -> None:
    primary = start_server(settings=STRICT)
    load_function(primary)
    first, chained = replica(start_server), replica(start_server)
    follow(primary, first)
    follow(first, chained)
    for name, document in LARGE.items():
        words = ("SM.SET", name, document) if command == "SM.SET" else ("RESTORE", name, 0, dumps[name])
        assert form(primary.raw(), words) == b"OK"
    caught_up(primary, first, chained)
    assert_same(primary, first, chained)


@pytest.mark.parametrize("load", ["disabled", "swapdb"])
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_full_sync_brings_it(start_server: Start, diskless: str, load: str) -> None:
    primary = start_server(settings=STRICT | {"repl-diskless-sync": diskless})
    store(primary.own)
    first = replica(start_server, **{"repl-diskless-load": load})
    follow(primary, first)
    caught_up(primary, first)
    assert_same(primary, first)
    first.wait_info(definitions=primary.info()["definitions"])


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_the_replicas_own_disk_brings_it_back(start_server: Start, preamble: str) -> None:
    """Its AOF, the rewritten AOF, and its RDB file. Clients are subject to its limits."""
    primary = start_server(settings=STRICT)
    first = replica(start_server, **{"aof-use-rdb-preamble": preamble})
    follow(primary, first)
    store(primary.own)
    primary.own.execute_command("SM.MUTATE", "states", "s1", "a reason")
    caught_up(primary, first)
    agreed = digest(primary)
    alone(first)

    first.restart()
    assert digest(first) == agreed
    refuses_clients(first)

    first.own.bgrewriteaof()
    first.wait_for_child()
    first.restart()
    assert digest(first) == agreed

    first.own.execute_command("DEBUG", "RELOAD")
    assert digest(first) == agreed
    assert first.own.execute_command("SM.MUTATE", "states", "s2") == "OK"
    assert first.own.execute_command("SM.SEND", "chart", "GO") == ["b"]
    assert first.own.copy("chart", "copied")
    refuses_clients(first)


def test_lowered_limits_are_for_clients_only(start_server: Start) -> None:
    """A primary that is restarted with lower limits keeps its data and replicates them."""
    primary = start_server(settings=STRICT | {"appendonly": "yes"})
    store(primary.own)
    primary.own.execute_command("SM.SET", "small", SMALL)
    agreed = digest(primary)
    primary.module_args = tuple(LOW)
    primary.write_conf()
    primary.restart()
    assert digest(primary) == agreed
    refuses_clients(primary)
    first = replica(start_server)
    follow(primary, first)
    primary.own.execute_command("SM.SEND", "chart", "GO")
    primary.own.copy("chart", "again")
    caught_up(primary, first)
    assert_same(primary, first)


PURE = compact(
    {
        "initial": "a",
        "states": {
            "a": {
                "on": {
                    "GO": "b",
                    "ENTER": {"guard": "isVip", "target": "b"},
                    "COUNT": {"guard": {"@expr": "[1,2,3,4,5,6,7,8].all(x, x > 0)"}, "target": "b"},
                }
            },
            "b": {"on": {"BACK": "a"}},
        },
    }
)
BEGINS = compact(
    {
        "initial": "a",
        "states": {"a": {"always": [{"guard": "isVip", "target": "b"}, {"guard": {"@expr": "[1,2,3].all(x, x > 0)"}}]}}
        | {"b": {}},
    }
)
BIG, DEEP = json.dumps({"x": "y" * 1000}), '{"x":' * 20 + "1" + "}" * 20
STEPS: list[Words] = [
    ("SM.SET", "k", PURE),
    *(("SM.SET", "k", PURE, "INPUT", text) for text in (BIG, DEEP)),
    ("SM.SET", "k", PURE, "CURRENT", "b", "INPUT", BIG),
    *(("SM.RESET", "k", "INPUT", text) for text in (BIG, DEEP)),
    *(("SM.SEND", "k", event, "DATA", text) for text in (BIG, DEEP) for event in ("GO", "BACK")),
    ("SM.SEND", "k", "ENTER", "GUARDS", "1", "isVip", "DATA", BIG),
    ("SM.MUTATE", "k", "a", "DATA", BIG),
    ("SM.MUTATE", "k", "b", "FORCE", "DATA", DEEP),
    ("SM.SEND", "k", "BACK", "REASON", "why", "DATA", DEEP),
    ("SM.SEND", "k", "COUNT"),
    ("SM.SET", "k", BEGINS, "GUARDS", "1", "isVip"),
    ("SM.SET", "k", BEGINS, "GUARDS", "0"),
    ("SM.SET", "k", BEGINS, "GUARDS", "1", "isVip", "INPUT", BIG),
    ("SM.RESET", "k", "GUARDS", "0", "INPUT", DEEP),
]
LOWER = [*LOW, "max-context-bytes", "64", "max-expression-steps", "2"]


def test_a_step_that_the_primary_took(start_server: Start) -> None:
    """The limits of contexts and expressions hold for what comes with a step of a client's too."""
    primary = start_server(settings=STRICT | {"appendonly": "yes"})
    first = start_server(settings=STRICT | {"appendonly": "yes"}, module_args=LOWER)
    primary.wait_for_child()
    follow(primary, first)
    for number, step in enumerate(STEPS):
        assert primary.own.execute_command(*step), step
        primary.own.copy("k", f"after {number}")
        primary.own.execute_command("SM.SET", f"after {number}, again", PURE, "CURRENT", "a", "INPUT", BIG)
    caught_up(primary, first)
    assert_same(primary, first)
    agreed = digest(primary)

    alone(first)
    first.own.execute_command("DEBUG", "LOADAOF")
    assert digest(first) == agreed
    first.own.execute_command("SM.SET", "small", '{"initial":"a","states":{"a":{"on":{"GO":"a"}}}}')
    for text in (BIG, DEEP):
        for words in (("SM.SEND", "small", "GO", "DATA", text), ("SM.RESET", "small", "INPUT", text)):
            with pytest.raises(redis.ResponseError, match=r"max-(context-bytes|nesting)"):
                first.own.execute_command(*words)

    primary.module_args = tuple(LOWER)
    primary.write_conf()
    primary.restart()
    assert digest(primary) == agreed


def test_a_restore_by_a_client_is_subject_to_the_limits(start_server: Start, dumps: dict[str, bytes]) -> None:
    server = start_server(module_args=LOW)
    server.own.execute_command("SM.SET", "states", SMALL)
    before = server.digest("states")
    for name, payload in dumps.items():
        with pytest.raises(redis.ResponseError, match="Bad data format"):
            server.raw().execute_command("RESTORE", name, 0, payload, "REPLACE")
    assert server.digest("states") == before
    assert server.own.dbsize() == 1
