"""maxmemory is reached, and nothing can be evicted: a step that makes what its machine keeps larger is refused and
changes nothing, any other goes on, also with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.charts_with_data import ORDER, assign
from tests.documents import README, compact
from tests.groups import STRICT, assert_same, caught_up, follow
from tests.servers import Server

BIG = compact(
    {
        "initial": "a",
        "context": {"text": {"@expr": "has(input.text) ? input.text : ''"}},
        "states": {
            "a": {"on": {"PUT": {"actions": assign(text="event.text")}, "GO": "b"}},
            "b": {"on": {"GO": "a"}},
        },
    }
)
"""A chart whose context is as long as what it is told."""


TRAIL = compact({"map": {"a": ["b"], "b": ["a", "c"], "c": []}, "initial": "a",
                 "store": {"history": 3, "idempotency": 2, "expire": "1d"}})  # fmt: skip


@pytest.fixture
def full(server: Server) -> Iterator[Server]:
    """A server whose memory is full, with a machine at each of the keys ``order``, ``big``, ``flat``, ``trail``, which
    has room for entries and tokens, ``round``, which has as many of both as it keeps, ``done``, and ``ends``, whose key
    gets a TTL."""
    r = server.own
    r.execute_command("SM.SET", "order", ORDER)
    r.execute_command("SM.SET", "big", BIG)
    r.execute_command("SM.SEND", "big", "PUT", "DATA", '{"text":"12345"}')
    r.execute_command("SM.SET", "flat", README)
    r.execute_command("SM.MUTATE", "flat", "boo", "a reason")
    for key, steps in (("trail", ""), ("round", "babab"), ("done", "bc")):
        r.execute_command("SM.SET", key, TRAIL)
        for number, state in enumerate(steps):
            r.execute_command("SM.SEND", key, state, "ID", f"t{number}", "REASON", "12345")
    r.execute_command("SM.SET", "ends", compact({"map": {"a": ["b"]}, "initial": "a", "store": {"expire": "1d"}}))
    server.config("maxmemory-policy", "noeviction")
    server.config("maxmemory", 1)
    yield server


LARGER: list[tuple[str, ...]] = [
    ("SM.SEND", "big", "PUT", "DATA", '{"text":"123456"}'),
    ("SM.SEND", "big", "PUT", "DATA", '{"text":"123456"}', "REASON", "why", "EFFECTS"),
    ("SM.RESET", "big", "INPUT", '{"text":"123456"}'),
    ("SM.SEND", "order", "PAY", "DATA", '{"amount":10}'),
    ("SM.SEND", "order", "PAY", "DATA", '{"amount":30}'),
    ("SM.SET", "big", BIG),
    ("SM.SEND", "trail", "b"),
    ("SM.MUTATE", "trail", "b", "ID", "t"),
    ("SM.MUTATE", "trail", "c", "why", "FORCE"),
    ("SM.RESET", "trail"),
    ("SM.SEND", "round", "a", "REASON", "123456", "ID", "t5"),
    ("SM.SEND", "round", "a", "REASON", "12345", "ID", "a longer token"),
    ("SM.RESET", "done"),
]
NO_LARGER: list[tuple[str, ...]] = [
    ("SM.SEND", "big", "PUT", "DATA", '{"text":"54321"}'),
    ("SM.SEND", "big", "PUT", "DATA", '{"text":"1"}', "REASON", "why"),
    ("SM.SEND", "big", "GO", "REASON", "why"),
    ("SM.MUTATE", "big", "b", "FORCE"),
    ("SM.RESET", "big"),
    ("SM.SEND", "order", "PAY", "DATA", '{"amount":5}'),
    ("SM.SEND", "order", "HOLD", "EFFECTS"),
    ("SM.SEND", "order", "SKIP", "GUARDS", "0"),
    ("SM.CAN", "order", "PAY", "DATA", '{"amount":10}'),
    ("SM.SEND", "flat", "blee"),
    ("SM.MUTATE", "flat", "blee", "a longer reason"),
    ("SM.RESET", "flat"),
    ("SM.SEND", "round", "a", "REASON", "12345", "ID", "t5"),
    ("SM.SEND", "round", "a"),
    ("SM.SEND", "round", "b", "REASON", "12345", "ID", "t4", "EFFECTS"),
    ("SM.HISTORY", "round"),
    ("SM.SEND", "ends", "b"),
]


@pytest.mark.parametrize("command", LARGER, ids=" ".join)
def test_a_step_that_makes_its_machine_larger_is_refused(full: Server, command: tuple[str, ...]) -> None:
    key = command[1]
    before, writes = (
        (full.own.dump(key), full.own.execute_command("SM.GET", key), full.own.pttl(key) > 0),
        full.writes(),
    )
    with full.socket() as wire:
        wire.send(*command)
        assert wire.reply().startswith(b"-OOM ")
    assert (full.own.dump(key), full.own.execute_command("SM.GET", key), full.own.pttl(key) > 0) == before
    assert full.writes() == writes
    full.own.config_set("maxmemory", 0)
    assert full.own.execute_command(*command)


@pytest.mark.parametrize("command", NO_LARGER, ids=" ".join)
def test_any_other_goes_on(full: Server, command: tuple[str, ...]) -> None:
    full.own.execute_command(*command)


def test_in_a_script_that_goes_on_when_memory_is_full(full: Server) -> None:
    script = "#!lua flags=allow-oom\nreturn redis.pcall(unpack(ARGV)).err"
    assert str(full.own.eval(script, 0, "SM.SEND", "big", "PUT", "DATA", '{"text":"123456"}')).startswith("OOM ")
    assert full.own.eval("#!lua flags=allow-oom\nreturn redis.call('SM.SEND', 'big', 'GO')", 0) == ["b"]


def test_a_replica_whose_memory_is_full_follows(start_server: Callable[..., Server]) -> None:
    primary = start_server(settings=STRICT)
    replica = start_server(settings={**STRICT, "maxmemory": 1})
    follow(primary, replica)
    primary.own.execute_command("SM.SET", "k", BIG)
    primary.own.execute_command("SM.SEND", "k", "PUT", "DATA", '{"text":"123456"}', "REASON", "why")
    primary.own.execute_command("SM.SEND", "k", "GO", "REASON", "a reason")
    caught_up(primary, replica)
    assert_same(primary, replica)
