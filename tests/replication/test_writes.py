"""Every SM.* write, alone, in MULTI, a script, a function: replicated once if it changes something, else not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import redis

from tests.charts_with_data import WAITS
from tests.contract import writes
from tests.documents import README, TEMPLATE, TRAFFIC
from tests.groups import STRICT, assert_same, calls, caught_up, follow, offset, run_all
from tests.replication.call_forms import FORMS, Words, load_function
from tests.servers import Server

CHART = (
    '{"id":"c","initial":"a","states":{"a":{"on":{"GO":{"target":"b","actions":"sound"},"STAY":{"actions":"tick"}}},'
    '"b":{"entry":"ring","on":{"BACK":"#c.a"}}}}'
)

APPLIED = b"\x01\x03\x00\x03\x00\x00\x00%s" + 9 * b"\x00"
"""A step of SM.SEND to a state, as SM.APPLY takes it."""

CHANGES: list[Words] = [
    ("SM.APPLY", "flat", APPLIED % b"boo"),
    ("SM.DONE", "waits", "t@1"),
    ("SM.DUE", "waits", "2"),
    ("SM.FAIL", "waits", "t@1", '"why"'),
    ("SM.FIRE", "waits", "d@1"),
    ("SM.RETRY", "waits", "t@1"),
    ("SM.SET", "new", README),
    ("SM.SET", "flat", TRAFFIC),
    ("SM.SET", "flat", README, "boo"),
    ("SM.SET", "ttl", README),
    ("SM.SET", "chart", CHART, "b"),
    ("SM.CREATE", "new"),
    ("SM.CREATE", "flat"),
    ("SM.MUTATE", "flat", "boo"),
    ("SM.MUTATE", "flat", "blee", b"why \x00 \xc3\xa9\r\n"),
    ("SM.MUTATE", "flat", "bar", "FORCE", "FORCE"),
    ("SM.MUTATE", "there", "boo", "another reason", "FORCE"),
    ("SM.MUTATE", "chart", "b"),
    ("SM.RESET", "there"),
    ("SM.RESET", "there", "ACTIONS"),
    ("SM.SEND", "flat", "boo"),
    ("SM.SEND", "chart", "GO"),
    ("SM.SEND", "chart", "GO", "ACTIONS"),
]

ENDS_A_DEADLINE = ("SM.DUE", "SM.FIRE")
"""Nothing here depends on the clock, and nothing is armed."""

NO_CHANGES: list[Words] = [
    ("SM.APPLY", "flat", APPLIED % b"bar"),
    ("SM.APPLY", "flat", b"nonsense"),
    ("SM.APPLY", "missing", APPLIED % b"boo"),
    ("SM.APPLY", "string", APPLIED % b"boo"),
    ("SM.DONE", "waits", "t@2"),
    ("SM.DUE", "flat", "1"),
    ("SM.DUE", "waits", "3"),
    ("SM.DUE", "waits", "one"),
    ("SM.FAIL", "flat", "t@1"),
    ("SM.FIRE", "waits", "t@1"),
    ("SM.RETRY", "missing", "t@1"),
    ("SM.SET", "flat", README),
    ("SM.SET", "flat", " " + README),
    ("SM.SET", "flat", README, "bar"),
    ("SM.SET", "flat", "nonsense"),
    ("SM.SET", "flat", README, "nowhere"),
    ("SM.SET", "flat", b"\xff"),
    ("SM.SET", "missing", "{}"),
    ("SM.SET", "string", README),
    ("SM.CREATE", "empty"),
    ("SM.CREATE", "string"),
    ("SM.MUTATE", "flat", "nowhere"),
    ("SM.MUTATE", "flat", "bar"),
    ("SM.MUTATE", "flat", "nowhere", "why", "FORCE"),
    ("SM.MUTATE", "flat", "boo", "why", "WRONG"),
    ("SM.MUTATE", "flat", "boo", b"\xff"),
    ("SM.MUTATE", "there", "boo", "the reason", "FORCE"),
    ("SM.MUTATE", "missing", "boo"),
    ("SM.MUTATE", "string", "boo"),
    ("SM.RESET", "flat"),
    ("SM.RESET", "flat", "ACTIONS"),
    ("SM.RESET", "flat", "WRONG"),
    ("SM.RESET", "missing"),
    ("SM.SEND", "flat", "nowhere"),
    ("SM.SEND", "chart", "BACK"),
    ("SM.SEND", "chart", "STAY", "ACTIONS"),
    ("SM.SEND", "missing", "GO"),
    ("SM.TEMPLATE",),
    ("SM.GET", "flat"),
    ("SM.GET", "there", "REASON"),
    ("SM.GET", "string"),
    ("SM.STATE", "flat", "ALL"),
    ("SM.STATE", "missing"),
    ("SM.CAN", "flat", "boo"),
    ("SM.NEXT", "chart"),
]


def prepare(r: redis.Redis) -> None:
    r.flushall()
    r.execute_command("SM.SET", "flat", README)
    r.execute_command("SM.SET", "there", README)
    r.execute_command("SM.MUTATE", "there", "boo", "the reason")
    r.execute_command("SM.SET", "ttl", README)
    r.expire("ttl", 1000)
    r.execute_command("SM.SET", "chart", CHART)
    r.execute_command("SM.SET", "waits", WAITS)
    r.execute_command("SM.SET", "empty", TEMPLATE)
    r.set("string", "x")


@pytest.fixture
def primary(start_server: Callable[..., Server]) -> Server:
    settings = STRICT | {"appendonly": "yes", "appendfsync": "always"}
    server = start_server(settings=settings, module_args=["fire-timers", "no"])
    load_function(server)
    return server


def test_every_write_is_in_the_lists() -> None:
    for lists in (CHANGES, NO_CHANGES):
        assert set(writes()) <= {words[0] for words in lists}


def test_what_changes_something_is_sent_once(start_server: Callable[..., Server], primary: Server) -> None:
    replicas = [start_server(settings=STRICT), start_server(settings=STRICT)]
    follow(primary, *replicas)
    r = primary.client(decode_responses=False)
    for words in CHANGES:
        for form in FORMS:
            prepare(r)
            caught_up(primary, *replicas)
            name = "SM.APPLY" if words[1] == "waits" and words[0] not in ENDS_A_DEADLINE else str(words[0])
            before = [calls(replica, name) for replica in replicas]
            reply = form(r, words)
            assert reply is not None and not isinstance(reply, redis.ResponseError), (form.__name__, words, reply)
            caught_up(primary, *replicas)
            after = [calls(replica, name) for replica in replicas]
            assert after == [count + 1 for count in before], (form.__name__, words)
            assert_same(primary, *replicas)


def test_what_changes_nothing_is_not_sent(start_server: Callable[..., Server], primary: Server) -> None:
    replica = start_server(settings=STRICT)
    follow(primary, replica)
    r = primary.client(decode_responses=False)
    prepare(r)
    caught_up(primary, replica)
    primary.wait_for_child()

    def sent() -> tuple[int, int]:
        return offset(primary), primary.info("persistence")["aof_current_size"]

    before = sent()
    for words in NO_CHANGES:
        for form in FORMS:
            form(r, words)
            assert sent() == before, (form.__name__, words)
    with r.pipeline(transaction=True) as pipe:
        for words in NO_CHANGES:
            pipe.execute_command(*words)
        pipe.execute(raise_on_error=False)
    assert sent() == before
    r.execute_command("SM.MUTATE", "flat", "boo")
    offset_after, log_after = sent()
    assert offset_after > before[0] and log_after > before[1]


def test_a_refusal_in_a_transaction_sends_the_rest(start_server: Callable[..., Server], primary: Server) -> None:
    """A refused command in MULTI is not replicated; the others are."""
    replica = start_server(settings=STRICT)
    follow(primary, replica)
    r = primary.client()
    prepare(r)
    replies = run_all(
        r,
        [("SM.MUTATE", "flat", "boo", "one"), ("SM.SET", "flat", '{"map":[]}'), ("SM.MUTATE", "flat", "blee", "two")],
        transaction=True,
    )
    assert [replies[0], replies[2]] == ["OK", "OK"]
    assert re.search(r"\$\.map", str(replies[1]))
    caught_up(primary, replica)
    assert_same(primary, replica)
    assert replica.own.execute_command("SM.GET", "flat", "REASON") == "two"
