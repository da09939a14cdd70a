"""SM.HISTORY: which steps are entries, what each says, and how many are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.documents import README, compact, flat
from tests.histories import FIELDS, ORDER, TRAIL, assert_chained, entries, revisions
from tests.servers import Server, wait_until
from tests.timers.charts import handles

NULL: None = None
ODD = 'T"\\\n\u00e9😀'

WAITING = compact(
    {
        "id": "w",
        "initial": "a",
        "store": {"history": 20},
        "states": {
            "a": {
                "invoke": [
                    {"id": "work", "src": "work", "onDone": "b", "onError": {"actions": "tell"}},
                    {"id": "more", "src": "more"},
                ],
                "after": {"600000": "c"},
                "on": {"LATER": {"actions": {"type": "@xstate.raise", "event": ODD, "delay": 600_000, "id": "late"}}},
            },
            "b": {"on": {"BACK": "a"}},
            "c": {"on": {"BACK": "a"}},
        },
    }
)


@pytest.fixture
def r(server: Server) -> redis.Redis:
    return server.client()


# ---- which steps ----


def test_a_step_is_an_entry_with_its_fields(server: Server, raw: redis.Redis) -> None:
    before = int(time.time() * 1000)
    raw.execute_command("SM.SET", "k", TRAIL)
    raw.execute_command("SM.SEND", "k", "b", "REASON", "why")
    after = int(time.time() * 1000)
    reply = raw.execute_command("SM.HISTORY", "k")
    second, first = (one if isinstance(one, dict) else dict(zip(one[::2], one[1::2], strict=True)) for one in reply)
    assert [name.decode() for name in second] == FIELDS
    for one in (first, second):
        assert before <= one.pop(b"ms") <= after + 1
        assert one.pop(b"user") == b"default"
    assert first == {
        b"revision": 1, b"event": b"xstate.init", b"from": [], b"to": [b"a"], b"reason": None, b"forced": 0
    }  # fmt: skip
    assert second == {
        b"revision": 2, b"event": b"b", b"from": [b"a"], b"to": [b"b"], b"reason": b"why", b"forced": 0
    }  # fmt: skip


def test_each_entry_is_a_map_in_resp3_and_a_flat_array_in_resp2(server: Server) -> None:
    server.own.execute_command("SM.SET", "k", TRAIL)
    assert isinstance(server.raw(2).execute_command("SM.HISTORY", "k")[0], list)
    assert isinstance(server.raw(3).execute_command("SM.HISTORY", "k")[0], dict)


STEPS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("SM.SEND", "k", "b"), {"event": "b", "to": ["b"]}),
    (("SM.MUTATE", "k", "b"), {"event": NULL, "to": ["b"]}),
    (("SM.MUTATE", "k", "b", "why"), {"event": NULL, "to": ["b"], "reason": "why"}),
    (("SM.MUTATE", "k", "c", "why", "FORCE"), {"event": "xstate.force", "to": ["c"], "reason": "why", "forced": 1}),
    (("SM.MUTATE", "k", "a", "FORCE"), {"event": "xstate.force", "to": ["a"], "forced": 1}),
    (("SM.RESET", "k"), {"event": "xstate.init", "to": ["a"]}),
    (("SM.RESET", "k", "REASON", "again"), {"event": "xstate.init", "to": ["a"], "reason": "again"}),
]


@pytest.mark.parametrize(("words", "expected"), STEPS, ids=[" ".join(words) for words, _ in STEPS])
def test_a_step_says_why_it_was(r: redis.Redis, words: tuple[str, ...], expected: dict[str, Any]) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    assert r.execute_command(*words)
    entry = entries(r, "k", "COUNT", 1)[0]
    said = {"revision": 2, "user": "default", "from": ["a"], "reason": NULL, "forced": 0, **expected}
    assert {name: value for name, value in entry.items() if name != "ms"} == said
    assert_chained(r, "k")


def test_all_active_states_of_a_chart_are_named(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", ORDER)
    for event in ("TELL", "PAY", "SHIP"):
        r.execute_command("SM.SEND", "k", event)
    assert [(one["event"], one["from"], one["to"]) for one in entries(r, "k")] == [
        ("SHIP", ["paid.box.packed", "paid.bill.due"], ["paid.box.sent", "paid.bill.closed"]),
        ("PAY", ["open"], ["paid.box.packed", "paid.bill.due"]),
        ("TELL", ["open"], ["open"]),
        ("xstate.init", [], ["open"]),
    ]


def test_ends_of_tasks_and_deadlines_are_entries(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", WAITING)

    def handle(begins: str) -> str:
        return next(handle for handle in handles(r, "k") if handle.startswith(begins))

    r.execute_command("SM.SEND", "k", "LATER")
    r.execute_command("SM.FIRE", "k", handle("late"))
    r.execute_command("SM.RETRY", "k", handle("work"))
    r.execute_command("SM.FAIL", "k", handle("work"), '"no"')
    r.execute_command("SM.DONE", "k", handle("more"), "1")
    r.execute_command("SM.FIRE", "k", handle("xstate.after"))
    r.execute_command("SM.SEND", "k", "BACK")
    r.execute_command("SM.DONE", "k", handle("work"))
    found = [(one["event"], one["from"], one["to"], one["forced"]) for one in entries(r, "k")]
    assert found == [
        ("xstate.done.actor.work", ["a"], ["b"], 0),
        ("BACK", ["c"], ["a"], 0),
        ("xstate.after.600000.w.a", ["a"], ["c"], 0),
        ("xstate.done.actor.more", ["a"], ["a"], 0),
        ("xstate.error.actor.work", ["a"], ["a"], 0),
        (NULL, ["a"], ["a"], 0),
        (ODD, ["a"], ["a"], 0),
        ("LATER", ["a"], ["a"], 0),
        ("xstate.init", [], ["a"], 0),
    ]
    assert_chained(r, "k")


def test_a_deadline_that_fires_by_itself_names_no_user(r: redis.Redis) -> None:
    document = {"initial": "a", "store": {"history": 9}, "states": {"a": {"after": {"20": "b"}}, "b": {}}}
    r.execute_command("SM.SET", "k", compact({"id": "w", **document}))
    wait_until(lambda: r.execute_command("SM.STATE", "k") == ["b"], "the deadline fires")
    fired, begun = entries(r, "k")
    assert (fired["user"], fired["event"], fired["revision"]) == ("(timer)", "xstate.after.20.w.a", 2)
    assert begun["user"] == "default"
    assert fired["ms"] >= begun["ms"] + 20


@pytest.mark.parametrize("guard", ["allowed", {"@expr": "context.missing"}], ids=["due", "failed"])
def test_a_deadline_that_does_not_fire_is_no_entry(server: Server, r: redis.Redis, guard: object) -> None:
    states = {"a": {"after": {"20": {"guard": guard, "target": "b"}}}, "b": {}}
    r.execute_command(
        "SM.SET", "k", compact({"initial": "a", "context": {"n": 0}, "store": {"history": 9}, "states": states})
    )
    wait_until(lambda: "waiting" not in str(r.execute_command("SM.PENDING", "k")), "the deadline is marked")
    assert [one["event"] for one in assert_chained(r, "k")] == ["xstate.init"]


REFUSED: list[tuple[str, ...]] = [
    ("SM.SEND", "k", "nowhere"),
    ("SM.SEND", "k", "a"),
    ("SM.MUTATE", "k", "a"),
    ("SM.MUTATE", "k", "nowhere", "why", "FORCE"),
    ("SM.MUTATE", "k", "b", "IFREV", "7"),
    ("SM.SEND", "k", "b", "IFSTATE", "c"),
    ("SM.RESET", "k", "IFREV", "7"),
    ("SM.SEND", "k", "b", "NO", "OPTION"),
    ("SM.DONE", "k", "work@1"),
    ("SM.SET", "k", "{}"),
    ("SM.SET", "k", TRAIL, "IF", "ABSENT"),
]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_what_is_refused_is_no_entry(server: Server, r: redis.Redis, words: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    before = r.dump("k")
    with server.socket() as wire:
        wire.send(*words)
        assert wire.reply()[:1] in b"-$"
    assert r.dump("k") == before
    assert revisions(r, "k") == [1]


def test_asking_is_no_entry(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    for words in ("SM.CAN k b", "SM.NEXT k", "SM.GET k", "SM.STATE k", "SM.PENDING k", "SM.HISTORY k", "SM.DIAGRAM k"):
        r.execute_command(*words.split())
    assert revisions(r, "k") == [1]


# ---- another machine ----


def test_a_machine_that_replaces_another_begins_anew_and_goes_on_counting(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    r.execute_command("SM.SEND", "k", "b")
    r.execute_command("SM.SET", "k", flat({"x": []}, "x", store={"history": 5}, reason="new"))
    (entry,) = entries(r, "k")
    assert (entry["revision"], entry["event"], entry["from"], entry["to"]) == (3, "xstate.init", [], ["x"])
    assert entry["reason"] == "new"


def test_a_machine_that_keeps_none_has_no_entries(r: redis.Redis) -> None:
    for document in (README, flat({"a": []}, "a", store={})):
        r.execute_command("SM.SET", "k", TRAIL)
        r.execute_command("SM.SET", "k", document)
        assert entries(r, "k") == []
    assert r.execute_command("SM.HISTORY", "none") is None


def test_what_get_answers_makes_a_machine_without_a_past(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    r.execute_command("SM.SEND", "k", "b")
    r.execute_command("SM.SET", "again", r.execute_command("SM.GET", "k"))
    assert [(one["revision"], one["to"]) for one in entries(r, "again")] == [(1, ["b"])]


def test_a_reset_goes_on(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    r.execute_command("SM.SEND", "k", "b")
    r.execute_command("SM.RESET", "k")
    assert [one["event"] for one in assert_chained(r, "k")] == ["xstate.init", "b", "xstate.init"]


def test_no_command_writes_an_entry_by_itself(r: redis.Redis) -> None:
    """Not SM.SET either: a document has no history of its own."""
    for member in ("history", "entries"):
        with pytest.raises(redis.ResponseError, match="unknown member"):
            r.execute_command("SM.SET", "k", flat({"a": []}, "a", **{member: [{"revision": 1}]}))


# ---- how many, and which of them ----


@pytest.fixture
def long_trail(r: redis.Redis) -> Iterator[redis.Redis]:
    """Ten steps at the key ``k``, to revision 10."""
    r.execute_command("SM.SET", "k", TRAIL)
    for step in range(9):
        r.execute_command("SM.SEND", "k", "ba"[step % 2])
    yield r


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (("COUNT", 3), [10, 9, 8]),
        (("BEFORE", 4), [3, 2, 1]),
        (("before", 8, "count", 2), [7, 6]),
        (("COUNT", 2, "BEFORE", 2), [1]),
        (("COUNT", 0), []),
        (("BEFORE", 0), []),
        (("BEFORE", 1), []),
        (("BEFORE", 11), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (("BEFORE", "9" * 18, "COUNT", "9" * 18), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (("COUNT", "003"), [10, 9, 8]),
    ],
)
def test_pages(long_trail: redis.Redis, words: tuple[object, ...], expected: list[int]) -> None:
    assert revisions(long_trail, "k", *words) == expected


def test_pages_lead_through_all_while_the_machine_goes_on(long_trail: redis.Redis) -> None:
    seen: list[int] = []
    page = revisions(long_trail, "k", "COUNT", 3)
    while page:
        seen += page
        long_trail.execute_command("SM.RESET", "k")
        page = revisions(long_trail, "k", "COUNT", 3, "BEFORE", page[-1])
    assert seen == [*range(10, 0, -1)]


@pytest.mark.parametrize("name", ["COUNT", "BEFORE"])
@pytest.mark.parametrize("value", ["", "-1", "+1", "1.0", "x", " 1", "9" * 19, "0x1", "1\0"])
def test_a_page_is_asked_for_by_numbers(r: redis.Redis, name: str, value: str) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    with pytest.raises(redis.ResponseError, match=rf"\A{name} wants .* is no such number"):
        r.execute_command("SM.HISTORY", "k", name, value)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("COUNT",), r"\Asyntax error: 'COUNT': its value is missing"),
        (("COUNT", "1", "count", "2"), r"\Asyntax error: 'count' stands twice"),
        (
            ("COUNT", "1", "AFTER", "2"),
            r"\Asyntax error: 'AFTER' is no option of 'SM.HISTORY'; known are COUNT, BEFORE",
        ),
        (("1",), r"\Asyntax error: '1' is no option"),
        (("COUNT", "1", "BEFORE", "2", "COUNT", "3"), "wrong number of arguments"),
    ],
)
def test_what_history_does_not_know_is_refused(r: redis.Redis, words: tuple[str, ...], error: str) -> None:
    for key in ("k", "none"):
        with pytest.raises(redis.ResponseError, match=error):
            r.execute_command("SM.HISTORY", key, *words)


def test_another_type_is_refused(r: redis.Redis) -> None:
    r.set("k", "text")
    with pytest.raises(redis.ResponseError, match=r"\AWRONGTYPE|holding the wrong kind"):
        r.execute_command("SM.HISTORY", "k")


@pytest.mark.parametrize("keep", [1, 2, 3, 50])
def test_the_last_entries_are_kept(r: redis.Redis, keep: int) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["b"], "b": ["a"]}, "a", store={"history": keep}))
    for step in range(60):
        r.execute_command("SM.SEND", "k", "ba"[step % 2], "REASON", "r" * (step % 7))
        assert revisions(r, "k") == [*range(step + 2, max(0, step + 2 - keep), -1)]
    assert [one["reason"] for one in assert_chained(r, "k")] == ["r" * (step % 7) for step in range(60 - keep, 60)]


def test_the_setting_bounds_all(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    for step in range(9):
        r.execute_command("SM.SEND", "k", "ba"[step % 2])
    server.config("redisstate.max-history", 3)
    assert len(entries(r, "k")) == 10, "what is there stays until a step"
    r.execute_command("SM.SEND", "k", "a")
    assert revisions(r, "k") == [11, 10, 9]
    with pytest.raises(redis.ResponseError, match=r"\$\.store\.history: 100, more than max-history \(3\) allows"):
        r.execute_command("SM.SET", "new", TRAIL)
    server.config("redisstate.max-history", 1000)
    r.execute_command("SM.SEND", "k", "b")
    assert revisions(r, "k") == [12, 11, 10, 9]


# ---- transactions, copies ----


def test_a_transaction_that_is_discarded_is_no_entry(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    with r.pipeline(transaction=True) as pipe:
        pipe.watch("k")
        r.execute_command("SM.SEND", "k", "b")
        pipe.multi()
        pipe.execute_command("SM.SEND", "k", "a")
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert revisions(r, "k") == [2, 1]


def test_steps_of_one_transaction_are_entries_each(r: redis.Redis) -> None:
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.SET", "k", TRAIL)
        pipe.execute_command("SM.SEND", "k", "b")
        pipe.execute_command("SM.HISTORY", "k")
        pipe.execute_command("SM.SEND", "k", "b")
        pipe.execute_command("SM.RESET", "k")
        replies = pipe.execute()
    assert len(replies[2]) == 2
    assert [one["event"] for one in assert_chained(r, "k")] == ["xstate.init", "b", "xstate.init"]


def test_a_copy_has_the_same_past_and_its_own_future(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    r.execute_command("SM.SEND", "k", "b", "REASON", "why")
    before = entries(r, "k")
    r.copy("k", "copy")
    r.restore("restored", 0, r.dump("k"))
    r.execute_command("SM.SEND", "copy", "a")
    r.rename("copy", "moved")
    assert entries(r, "moved")[1:] == entries(r, "restored") == entries(r, "k") == before


@pytest.mark.parametrize("settings_of", ["rdb", "aof", "aof without preamble"])
def test_histories_survive_restarts(start_server: Callable[..., Server], settings_of: str) -> None:
    how: dict[str, object] = {"save": "3600 1"}
    if settings_of != "rdb":
        how = {"appendonly": "yes", "aof-use-rdb-preamble": "yes" if settings_of == "aof" else "no"}
    server = start_server(settings=how)
    server.own.execute_command("SM.SET", "k", flat({"a": ["b"], "b": ["a"]}, "a", store={"history": 4}))
    server.own.execute_command("SM.SET", "w", WAITING)
    for step in range(9):
        server.own.execute_command("SM.SEND", "k", "ba"[step % 2], "REASON", f"\0{step}")
        if step == 5 and settings_of != "rdb":
            server.own.bgrewriteaof()
            server.wait_for_child()
    server.own.execute_command("SM.SEND", "w", "LATER")
    before = entries(server.own, "k"), entries(server.own, "w")
    server.restart()
    assert (entries(server.own, "k"), entries(server.own, "w")) == before
    server.own.execute_command("SM.SEND", "k", "a")
    assert revisions(server.own, "k") == [11, 10, 9, 8]
    assert_chained(server.own, "k")


def test_pages_take_memory_for_entries_and_not_for_bytes(server: Server, r: redis.Redis) -> None:
    """A reason of 20 MB was room for 480 MB of entries."""
    r.execute_command("SM.SET", "k", flat({"a": ["a"]}, "a", store={"history": 3}))
    r.execute_command("SM.MUTATE", "k", "a", "x" * 20_000_000)
    peak = server.info("memory")["used_memory_peak"]
    assert len(entries(r, "k")) == 2
    assert server.info("memory")["used_memory_peak"] < peak + 100_000_000
    assert r.delete("k")


def test_large_entries_go_before_there_are_many(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["a"]}, "a", store={"history": 100}))
    for number in range(10):
        r.execute_command("SM.MUTATE", "k", "a", f"{number}" * 400_000)
    assert revisions(r, "k") == [11, 10, 9]
    assert_chained(r, "k")
    assert r.copy("k", "copy")
    assert revisions(r, "copy") == [11, 10, 9]


def test_a_script_leaves_nothing_in_the_log_of_the_acl(r: redis.Redis) -> None:
    """Who may send, and nothing else, is asked for no other right."""
    r.execute_command("ACL", "SETUSER", "clerk", "on", ">p", "~*", "+eval", "+sm.send")
    r.execute_command("SM.SET", "k", flat({"a": ["a"]}, "a", store={"history": 3}))
    r.execute_command("ACL", "LOG", "RESET")
    clerk = redis.Redis(port=r.connection_pool.connection_kwargs["port"], username="clerk", password="p")
    assert clerk.eval("return redis.call('SM.SEND', KEYS[1], 'a')", 1, "k") == [b"a"]
    assert entries(r, "k")[0]["user"] == "clerk"
    assert [one for one in r.acl_log() if one["context"] != "toplevel"] == []  # what redis-py says of itself is refused
    clerk.close()
    r.execute_command("ACL", "DELUSER", "clerk")
