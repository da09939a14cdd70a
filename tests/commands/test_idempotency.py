"""ID: a command with a token that was taken once is answered as it was then, and does nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis

from tests.documents import README, compact, flat
from tests.histories import revisions
from tests.servers import Server
from tests.timers.charts import handles
from tests.tokens import CHART, FLAT, FORMS


@pytest.fixture
def r(server: Server) -> redis.Redis:
    return server.client()


def refusal(r: redis.Redis, *words: str | bytes) -> str:
    """The error of a command that is refused, with its code."""
    with pytest.raises(redis.ResponseError) as refused:
        r.execute_command(*words)
    return str(refused.value)


# ---- the same again ----

STEPS: list[tuple[str, ...]] = [
    ("SM.SEND", "k", "ADD", "DATA", '{"by":3}'),
    ("SM.SEND", "k", "ADD", "DATA", '{"by":3}', "REASON", "why"),
    ("SM.SEND", "k", "WORK"),
    ("SM.SEND", "k", "END"),
    ("SM.SEND", "k", "ASK", "GUARDS", "1", "allowed"),
    ("SM.MUTATE", "k", "working", "REASON", "why"),
    ("SM.MUTATE", "k", "done", "REASON", "why", "FORCE"),
    ("SM.RESET", "k"),
    ("SM.RESET", "k", "INPUT", '{"n":7}'),
]


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
@pytest.mark.parametrize("words", STEPS, ids=" ".join)
def test_the_same_token_is_answered_the_same(
    raw: redis.Redis, server: Server, words: tuple[str, ...], form: tuple[str, ...]
) -> None:
    raw.execute_command("SM.SET", "k", CHART)
    server.own.copy("k", "without")
    server.own.copy("k", "other")
    first = raw.execute_command(*words, "ID", "x", *form)
    before, writes = server.own.dump("k"), server.writes()
    assert raw.execute_command(*words, "ID", "x", *form) == first
    assert (server.own.dump("k"), server.writes()) == (before, writes)
    # in each form, what the step itself would have answered so
    for other in FORMS:
        again = raw.execute_command(*words, "ID", "x", *other)
        server.own.copy("without", "other", replace=True)
        assert without_handles(again) == without_handles(raw.execute_command(words[0], "other", *words[2:], *other))
    assert server.own.dump("k") == before


def without_handles(reply: Any) -> Any:
    """A reply in which tasks have no handles, which never come again."""
    if isinstance(reply, dict):
        return {name: without_handles(value) for name, value in reply.items()}
    if isinstance(reply, list):
        return [without_handles(value) for value in reply]
    return reply.partition(b',"task":')[0] if isinstance(reply, bytes) else reply


@pytest.mark.parametrize("words", [("SM.SEND", "k", "b"), ("SM.MUTATE", "k", "b"), ("SM.RESET", "k")], ids=" ".join)
def test_a_flat_machine_keeps_tokens_too(r: redis.Redis, words: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["b"], "b": []}, "a", store={}))
    first = r.execute_command(*words, "ID", "x")
    r.execute_command("SM.MUTATE", "k", "a", "FORCE")
    assert r.execute_command(*words, "ID", "x") == first
    assert r.execute_command("SM.GET", "k", "REVISION") == 3
    after = "a" if words[0] == "SM.RESET" else "b"
    ended = "active" if after == "a" else "done"
    assert r.execute_command(*words, "ID", "x", "ACTIONS") == [[after], []]
    assert r.execute_command(*words, "ID", "x", "EFFECTS") == [
        "states", [after], "effects", [], "revision", 2, "status", ended
    ]  # fmt: skip


def test_the_answer_is_that_of_then_though_the_machine_went_on(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", CHART)
    first = r.execute_command("SM.SEND", "k", "WORK", "ID", "x", "EFFECTS")
    assert len(handles(r, "k")) == 3
    assert all(f'"task":"{handle}"' in str(first) for handle in handles(r, "k") if "@" in handle and handle[0] in "tu")
    r.execute_command("SM.SEND", "k", "LEAVE")
    r.execute_command("SM.SEND", "k", "END")
    assert r.execute_command("SM.SEND", "k", "WORK", "ID", "x", "EFFECTS") == first
    assert r.execute_command("SM.SEND", "k", "WORK", "ID", "x") == ["working"]
    assert r.execute_command("SM.GET", "k", "STATUS") == "done"
    assert r.execute_command("SM.PENDING", "k") == []


def test_a_task_that_ended_is_answered_again(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", CHART)
    r.execute_command("SM.SEND", "k", "WORK")
    task, other = [handle for handle in handles(r, "k") if handle[0] in "tu"]
    second = r.execute_command("SM.FAIL", "k", other, '"no"', "ID", "f", "EFFECTS")
    assert r.execute_command("SM.GET", "k", "STATUS") == "error", "no transition takes it"
    assert second[second.index("status") + 1] == "error"
    r.execute_command("SM.RESET", "k")
    r.execute_command("SM.SEND", "k", "WORK")
    task = next(handle for handle in handles(r, "k") if handle.startswith("t@"))
    first = r.execute_command("SM.DONE", "k", task, '{"a":1}', "ID", "d", "EFFECTS")
    assert r.execute_command("SM.DONE", "k", task, '{"a":1}') is None
    assert r.execute_command("SM.DONE", "k", task, '{"a":1}', "ID", "d", "EFFECTS") == first
    assert r.execute_command("SM.DONE", "k", task, '{"a":1}', "ID", "d") == ["done"]
    assert r.execute_command("SM.FAIL", "k", other, '"no"', "ID", "f", "EFFECTS") == second
    assert r.execute_command("SM.GET", "k", "REVISION") == 6


def test_a_report_that_no_transition_takes_keeps_its_token(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", CHART)
    r.execute_command("SM.SEND", "k", "WORK")
    other = next(handle for handle in handles(r, "k") if handle.startswith("u@"))
    first = r.execute_command("SM.DONE", "k", other, "ID", "d", "EFFECTS")
    assert r.execute_command("SM.DONE", "k", other, "ID", "d", "EFFECTS") == first
    assert r.execute_command("SM.GET", "k", "REVISION") == 3


def test_it_is_looked_at_before_all_conditions(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", FLAT)
    assert r.execute_command("SM.MUTATE", "k", "b", "ID", "x", "IFREV", "1", "IFSTATE", "a") == "OK"
    assert r.execute_command("SM.MUTATE", "k", "b", "ID", "x", "IFREV", "1", "IFSTATE", "a") == "OK"
    assert r.execute_command("SM.MUTATE", "k", "b", "IFREV", "9", "ID", "x", "IFSTATE", "nowhere") == "OK"
    assert refusal(r, "SM.MUTATE", "k", "b", "ID", "y", "IFREV", "1").startswith("CONFLICT ")
    assert revisions(r, "k") == [2, 1]


def test_reason_and_guards_are_not_compared(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", CHART)
    assert r.execute_command("SM.SEND", "k", "ASK", "GUARDS", "1", "allowed", "ID", "x") == ["done"]
    assert r.execute_command("SM.SEND", "k", "ASK", "ID", "x", "REASON", "other") == ["done"]
    assert r.execute_command("SM.SEND", "k", "ASK", "GUARDS", "0", "ID", "x") == ["done"]


# ---- something else ----


@pytest.mark.parametrize(
    ("words", "other", "error"),
    [
        (("SM.SEND", "k", "b"), ("SM.SEND", "k", "c"), "SM.SEND 'b'"),
        (("SM.SEND", "k", "b"), ("SM.MUTATE", "k", "b"), "SM.SEND 'b'"),
        (("SM.SEND", "k", "b"), ("SM.RESET", "k"), "SM.SEND 'b'"),
        (("SM.SEND", "k", "b"), ("SM.SEND", "k", "b", "DATA", "{}"), "SM.SEND 'b' with other data"),
        (("SM.SEND", "k", "b", "DATA", "{}"), ("SM.SEND", "k", "b"), "SM.SEND 'b' with other data"),
        (("SM.SEND", "k", "b", "DATA", "{}"), ("SM.SEND", "k", "b", "DATA", "{ }"), "SM.SEND 'b' with other data"),
        (("SM.MUTATE", "k", "b"), ("SM.MUTATE", "k", "b", "FORCE"), "SM.MUTATE 'b'"),
        (("SM.MUTATE", "k", "b", "FORCE"), ("SM.MUTATE", "k", "b"), "SM.MUTATE 'b' with FORCE"),
        (("SM.MUTATE", "k", "b"), ("SM.SEND", "k", "b"), "SM.MUTATE 'b'"),
        (("SM.RESET", "k"), ("SM.RESET", "k", "INPUT", "{}"), "SM.RESET with other data"),
        (("SM.RESET", "k", "INPUT", "{}"), ("SM.RESET", "k"), "SM.RESET with other data"),
        (("SM.RESET", "k"), ("SM.SEND", "k", ""), "SM.RESET"),
        (("SM.RESET", "k"), ("SM.DONE", "k", "t@1"), "SM.RESET"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)  # fmt: skip
def test_with_another_command_it_is_an_error(
    server: Server, r: redis.Redis, words: tuple[str, ...], other: tuple[str, ...], error: str
) -> None:
    r.execute_command("SM.SET", "k", FLAT)
    more = ["REASON", "x"] if "FORCE" in words else []
    assert r.execute_command(*words, *more, "ID", "tok")
    before, writes = r.dump("k"), server.writes()
    said = refusal(r, *other, *(["REASON", "x"] if "FORCE" in other else []), "ID", "tok")
    assert said == f"token 'tok' was used for {error}"
    assert (r.dump("k"), server.writes()) == (before, writes)
    assert r.execute_command(*words, *more, "ID", "tok")


def test_with_the_end_of_another_task_it_is_an_error(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", CHART)
    r.execute_command("SM.SEND", "k", "WORK")
    task, other = [handle for handle in handles(r, "k") if handle[0] in "tu"]
    r.execute_command("SM.DONE", "k", other, "1", "ID", "x")
    for words, more in (
        (("SM.DONE", "k", task, "1"), ""), (("SM.FAIL", "k", other, "1"), ""), (("SM.SEND", "k", "ADD"), ""),
        (("SM.DONE", "k", other, "2"), " with other data"), (("SM.DONE", "k", other), " with other data"),
    ):  # fmt: skip
        assert refusal(r, *words, "ID", "x") == f"token 'x' was used for SM.DONE '{other}'{more}"


def test_a_long_event_is_named_in_part(r: redis.Redis) -> None:
    states = {"a": {"on": {"*": "a"}}}
    r.execute_command("SM.SET", "k", compact({"initial": "a", "store": {}, "states": states}))
    r.execute_command("SM.SEND", "k", "é" * 50_000, "ID", "é" * 32)
    said = refusal(r, "SM.RESET", "k", "ID", "é" * 32)
    assert said.startswith(f"token '{'é' * 32}' was used for SM.SEND 'éééé")
    assert len(said) < 300


# ---- what was refused ----

REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("SM.SEND", "k", "NOTHING"), ""),
    (("SM.MUTATE", "k", "nowhere"), ""),
    (("SM.DONE", "k", "t@1"), ""),
    (("SM.FAIL", "k", "t@1"), ""),
    (("SM.SEND", "k", "END", "IFREV", "9"), "CONFLICT"),
    (("SM.SEND", "k", "END", "IFSTATE", "working"), "CONFLICT"),
    (("SM.SEND", "k", "ASK"), "GUARD"),
    (("SM.SEND", "k", "FAIL"), "EXPR"),
    (("SM.SEND", "k", "ADD", "DATA", "no JSON"), "ERR"),
    (("SM.SEND", "k", "END", "REASON", "x", "NO", "WORD"), "ERR"),
    (("SM.RESET", "k", "INPUT", "[]"), "ERR"),
]


@pytest.mark.parametrize(("words", "code"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_what_was_refused_keeps_no_token(server: Server, words: tuple[str, ...], code: str) -> None:
    server.own.execute_command("SM.SET", "k", CHART)
    before = server.own.dump("k")
    with server.socket() as wire:
        for _ in range(2):
            wire.send(*words, "ID", "x")
            reply = wire.reply()
            assert reply.startswith(b"-" + code.encode()) if code else reply == b"$-1", reply
    assert server.own.dump("k") == before
    assert server.own.execute_command("SM.SEND", "k", "END", "ID", "x") == ["done"]


def test_a_step_that_memory_has_no_room_for_keeps_no_token(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["b"], "b": []}, "a", store={}))
    before = r.dump("k")
    server.config("maxmemory-policy", "noeviction")
    server.config("maxmemory", 1)
    assert "used memory > 'maxmemory'" in refusal(r, "SM.SEND", "k", "b", "ID", "x")
    assert r.dump("k") == before
    server.own.config_set("maxmemory", 0)
    assert r.execute_command("SM.MUTATE", "k", "b", "ID", "x") == "OK"


def test_what_was_taken_is_answered_though_memory_is_full(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", FLAT)
    r.execute_command("SM.SEND", "k", "b", "ID", "x")
    server.config("maxmemory-policy", "noeviction")
    server.config("maxmemory", 1)
    assert r.execute_command("SM.SEND", "k", "b", "ID", "x", "ACTIONS") == [["b"], []]


# ---- which are kept ----


@pytest.mark.parametrize("keep", [1, 2, 5, None])
def test_the_last_tokens_are_kept(r: redis.Redis, keep: int | None) -> None:
    said = {} if keep is None else {"idempotency": keep}
    r.execute_command("SM.SET", "k", flat({"a": ["a"]}, "a", store=said))
    most = keep or 64
    for number in range(most + 3):
        r.execute_command("SM.SEND", "k", "a", "ID", f"t{number}")
        r.execute_command("SM.SEND", "k", "a")  # which has none, and takes no place
    for number in range(3, most + 3):
        assert r.execute_command("SM.SEND", "k", "a", "ID", f"t{number}", "EFFECTS")[5] == 2 + 2 * number
    last = r.execute_command("SM.GET", "k", "REVISION")
    assert r.execute_command("SM.SEND", "k", "a", "ID", "t2", "EFFECTS")[5] == last + 1, "it is forgotten"


def test_the_setting_bounds_all(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["a"]}, "a", store={"idempotency": 100}))
    for number in range(10):
        r.execute_command("SM.SEND", "k", "a", "ID", f"t{number}")
    server.config("redisstate.max-idempotency", 2)
    assert r.execute_command("SM.SEND", "k", "a", "ID", "t0", "EFFECTS")[5] == 2, "what is there stays until a step"
    r.execute_command("SM.SEND", "k", "a", "ID", "t10")
    assert r.execute_command("SM.SEND", "k", "a", "ID", "t9", "EFFECTS")[5] == 11
    assert r.execute_command("SM.SEND", "k", "a", "ID", "t8", "EFFECTS")[5] == 13
    with pytest.raises(redis.ResponseError, match="100, more than max-idempotency"):
        r.execute_command("SM.SET", "new", flat({"a": []}, "a", store={"idempotency": 100}))


def test_reset_keeps_tokens_and_set_forgets_them(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", FLAT)
    r.execute_command("SM.SEND", "k", "b", "ID", "x")
    r.execute_command("SM.RESET", "k", "ID", "y")
    assert r.execute_command("SM.SEND", "k", "b", "ID", "x", "EFFECTS")[5] == 2
    assert r.execute_command("SM.RESET", "k", "ID", "y", "EFFECTS")[5] == 3
    r.execute_command("SM.SET", "k", FLAT)
    assert r.execute_command("SM.SEND", "k", "b", "ID", "x", "EFFECTS")[5] == 5


def test_each_machine_has_its_own(r: redis.Redis) -> None:
    for key in ("k", "l"):
        r.execute_command("SM.SET", key, FLAT)
        assert r.execute_command("SM.SEND", key, "b", "ID", "x", "EFFECTS")[5] == 2


@pytest.mark.parametrize("document", [README, flat({"bar": ["boo"]}, "bar")], ids=["readme", "flat"])
@pytest.mark.parametrize("words", [("SM.SEND", "k", "boo"), ("SM.MUTATE", "k", "boo"), ("SM.RESET", "k")], ids=" ".join)
def test_a_machine_that_keeps_no_tokens_says_how_to(r: redis.Redis, document: str, words: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", document)
    said = refusal(r, *words, "ID", "x")
    assert said == 'ID: this machine keeps no tokens; one whose document has a "store", {} is enough, does'
    assert r.execute_command("SM.STATE", "k") == ["bar"]


@pytest.mark.parametrize("document", [README, flat({"bar": ["boo"]}, "bar")], ids=["readme", "flat"])
@pytest.mark.parametrize("command", ["SM.DONE", "SM.FAIL"])
def test_a_report_to_a_machine_that_took_the_key_of_another_comes_too_late(
    r: redis.Redis, document: str, command: str
) -> None:
    r.execute_command("SM.SET", "k", document)
    assert r.execute_command(command, "k", "t@1", "{}", "ID", "t@1") is None
    assert r.execute_command("SM.STATE", "k") == ["bar"]


def test_without_a_machine_nothing_happens(r: redis.Redis) -> None:
    for words in (("SM.SEND", "k", "b"), ("SM.MUTATE", "k", "b"), ("SM.RESET", "k"), ("SM.DONE", "k", "t@1")):
        assert r.execute_command(*words, "ID", "x") is None
        assert r.exists("k") == 0


@pytest.mark.parametrize(
    "words",
    [("SM.SET", "k", FLAT, "ID", "x"), ("SM.CAN", "k", "b", "ID", "x"), ("SM.FIRE", "k", "t@1", "ID", "x"),
     ("SM.RETRY", "k", "ID", "x")],
    ids=" ".join,
)  # fmt: skip
def test_other_commands_have_none(r: redis.Redis, words: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", FLAT)
    assert "no option of" in refusal(r, *words) or "syntax error" in refusal(r, *words)


# ---- which bytes ----


@pytest.mark.parametrize(
    "token", [b"t" * 64, b"\0", b"\xff\xfe", b" ", b"\r\n", "é😀".encode(), b"'", b"ID", b"\0" * 64]
)
def test_a_token_is_any_bytes(server: Server, token: bytes) -> None:
    raw = server.raw()
    raw.execute_command("SM.SET", "k", FLAT)
    assert raw.execute_command("SM.SEND", "k", "b", "ID", token) == [b"b"]
    assert raw.execute_command("SM.SEND", "k", "b", "ID", token) == [b"b"]
    assert raw.execute_command("SM.SEND", "k", "a", "ID", token[:-1] or b"other") == [b"a"]
    raw.execute_command("DEBUG", "RELOAD")
    assert raw.execute_command("SM.SEND", "k", "b", "id", token) == [b"b"]
    assert refusal(raw, "SM.RESET", "k", "ID", token).endswith("was used for SM.SEND 'b'")
    assert raw.execute_command("SM.GET", "k", "REVISION") == 3


@pytest.mark.parametrize(
    "command", [("SM.SEND", "k", "b"), ("SM.MUTATE", "k", "b"), ("SM.RESET", "k"), ("SM.DONE", "k", "t")]
)
def test_a_token_has_1_to_64_bytes(r: redis.Redis, command: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", FLAT)
    for token, fault in (
        ("", "is empty"),
        ("t" * 65, "is longer"),
        ("é" * 33, "is longer"),
        ("t" * 10_000_000, "is longer"),
    ):
        said = refusal(r, *command, "ID", token)
        assert said.startswith("ID wants a token of 1 to 64 bytes: ")
        assert said.endswith(fault)
        assert len(said) < 500
    assert refusal(r, *command, "ID").endswith(f"the value of 'ID' is missing in '{command[0]}'")
    assert "stands twice" in refusal(r, *command, "ID", "x", "id", "x")
    assert r.execute_command("SM.STATE", "k") == ["a"]


def test_the_name_alone_is_no_reason(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", FLAT)
    assert refusal(r, "SM.MUTATE", "k", "b", "ID").endswith("the value of 'ID' is missing in 'SM.MUTATE'")


# ---- transactions, scripts, races ----


def test_in_a_transaction_and_a_script(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", FLAT)
    with r.pipeline(transaction=True) as pipe:
        for _ in range(3):
            pipe.execute_command("SM.SEND", "k", "b", "ID", "x")
        pipe.execute_command("SM.MUTATE", "k", "a", "ID", "x")
        *same, other = pipe.execute(raise_on_error=False)
    assert same == [["b"]] * 3
    assert "was used for SM.SEND 'b'" in str(other)
    script = "return {redis.call('SM.SEND', KEYS[1], 'a', 'ID', 'y'), redis.call('SM.SEND', KEYS[1], 'a', 'ID', 'y')}"
    assert r.eval(script, 1, "k") == [["a"], ["a"]]
    assert revisions(r, "k") == [3, 2, 1]


@pytest.mark.parametrize("document", [FLAT, CHART], ids=["flat", "chart"])
def test_of_clients_that_race_with_one_token_one_takes_the_step(server: Server, document: str) -> None:
    server.own.execute_command("SM.SET", "k", document)
    rounds, clients = 40, 6
    words = [("SM.MUTATE", "b"), ("SM.MUTATE", "a")] if document == FLAT else [("SM.SEND", "ADD"), ("SM.RESET",)]
    replies: list[list[Any]] = [[] for _ in range(rounds)]
    barrier = threading.Barrier(clients)

    def compete() -> None:
        client = server.client()
        for number in range(rounds):
            barrier.wait()
            name, *rest = words[number % 2]
            data = ("DATA", '{"by":1}') if rest == ["ADD"] else ()
            replies[number].append(client.execute_command(name, "k", *rest, *data, "ID", f"t{number}", "EFFECTS"))

    threads = [threading.Thread(target=compete) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, same in enumerate(replies):
        assert same == [same[0]] * clients
        assert same[0][5] == number + 2
    assert revisions(server.own, "k") == [*range(rounds + 1, 0, -1)]
