"""redisstate.*: CONFIG SET and GET, redis.conf, CONFIG REWRITE, module arguments, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.documents import README, compact, nested, ring
from tests.servers import MODULE, Server, ServerDiedError

DEFAULTS = {
    "redisstate.fire-timers": "yes",
    "redisstate.invalid-transition": "nil",
    "redisstate.max-context-bytes": "65536",
    "redisstate.max-document-bytes": "327680",
    "redisstate.max-elements": "4000",
    "redisstate.max-expression-steps": "50000",
    "redisstate.max-history": "1000",
    "redisstate.max-idempotency": "1000",
    "redisstate.max-memo-bytes": "134217728",
    "redisstate.max-nesting": "64",
    "redisstate.max-states": "10000",
    "redisstate.outbox-streams": "*",
    "redisstate.server-encoded-replies": "yes",
}
OTHERS = {
    "redisstate.fire-timers": "no",
    "redisstate.invalid-transition": "error",
    "redisstate.max-context-bytes": "300",
    "redisstate.max-document-bytes": "2000",
    "redisstate.max-elements": "30",
    "redisstate.max-expression-steps": "100",
    "redisstate.max-history": "7",
    "redisstate.max-idempotency": "5",
    "redisstate.max-memo-bytes": "2000000",
    "redisstate.max-nesting": "10",
    "redisstate.max-states": "20",
    "redisstate.outbox-streams": "out:*",
    "redisstate.server-encoded-replies": "no",
}
ALL_SMALL = "context.numbers.all(i, context.numbers.all(j, i * j < 100))"
ARGUMENTS = [word for name, value in OTHERS.items() for word in (name.removeprefix("redisstate."), value)]


def shown(server: Server) -> dict[str, str]:
    return dict(server.own.config_get("redisstate.*"))


def chart_of_size(elements: int) -> str:
    """A chart of so many elements: two states and actions."""
    return compact({"initial": "a", "states": {"a": {"entry": ["x"] * (elements - 2)}}})


def assert_effect_of(server: Server, values: dict[str, str]) -> None:
    """Asserts that the settings have an effect."""
    r = server.client()
    r.execute_command("SM.SET", "acts", README)
    if values["redisstate.invalid-transition"] == "error":
        with pytest.raises(redis.ResponseError, match=r"\Ainvalid state transition: 'bar' to 'notastate'\Z"):
            r.execute_command("SM.MUTATE", "acts", "notastate")
    else:
        assert r.execute_command("SM.MUTATE", "acts", "notastate") is None
    states = int(values["redisstate.max-states"])
    r.execute_command("SM.SET", "acts", ring(states))
    with pytest.raises(redis.ResponseError, match=rf"max-states.*\b{states}\b"):
        r.execute_command("SM.SET", "acts", ring(states + 1))
    depth = int(values["redisstate.max-nesting"])
    r.execute_command("SM.SET", "acts", nested(depth))
    with pytest.raises(redis.ResponseError, match=rf"max-nesting.*\b{depth}\b"):
        r.execute_command("SM.SET", "acts", nested(depth + 1))
    elements = int(values["redisstate.max-elements"])
    r.execute_command("SM.SET", "acts", chart_of_size(elements))
    with pytest.raises(redis.ResponseError, match=rf"\b{elements}\b.*max-elements"):
        r.execute_command("SM.SET", "acts", chart_of_size(elements + 1))
    longest = int(values["redisstate.max-document-bytes"])
    document = '{"map":{},"initial":"a"}'
    r.execute_command("SM.SET", "acts", document + " " * (longest - len(document)))
    with pytest.raises(redis.ResponseError, match=rf"max-document-bytes.*\b{longest}\b"):
        r.execute_command("SM.SET", "acts", document + " " * (longest - len(document) + 1))
    assert_limits_of_data(r, values)
    steps = {"map": {"a": []}, "initial": "a", "store": {"outbox": {"stream": "in", "of": "steps"}}}
    if values["redisstate.outbox-streams"] == "*":
        r.execute_command("SM.SET", "acts", compact(steps))
        r.delete("in")
    else:
        with pytest.raises(redis.ResponseError, match=r"outbox-streams"):
            r.execute_command("SM.SET", "acts", compact(steps))
    r.delete("acts")


COUNTER = compact(
    {
        "initial": "a",
        "context": {"text": "", "numbers": {"@expr": "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"}},
        "states": {
            "a": {
                "on": {
                    "PUT": {"actions": {"type": "@xstate.assign", "context": {"text": {"@expr": "event.text"}}}},
                    "SUM": {"guard": {"@expr": ALL_SMALL}, "actions": "sum"},
                }
            }
        },
    }
)


def assert_limits_of_data(r: redis.Redis, values: dict[str, str]) -> None:
    """A context as large as it may be, and an expression whose steps are more than the smaller limit, not the other."""
    longest = int(values["redisstate.max-context-bytes"])
    r.execute_command("SM.SET", "acts", COUNTER)
    text = "x" * (longest - len(r.execute_command("SM.GET", "acts", "CONTEXT")))
    assert r.execute_command("SM.SEND", "acts", "PUT", "DATA", compact({"text": text})) == ["a"]
    with pytest.raises(redis.ResponseError, match=rf"max-context-bytes.*\b{longest}\b"):
        r.execute_command("SM.SEND", "acts", "PUT", "DATA", compact({"text": text + "x"}))
    steps = int(values["redisstate.max-expression-steps"])
    if steps > 1000:
        assert r.execute_command("SM.SEND", "acts", "SUM") == ["a"]
    else:
        with pytest.raises(redis.ResponseError, match=rf"max-expression-steps.*\b{steps}\b"):
            r.execute_command("SM.SEND", "acts", "SUM")


def test_defaults(server: Server) -> None:
    assert shown(server) == DEFAULTS
    assert_effect_of(server, DEFAULTS)


def test_config_set(server: Server) -> None:
    for name, value in OTHERS.items():
        server.config(name, value)
    assert shown(server) == OTHERS
    assert_effect_of(server, OTHERS)


def test_lowering_a_limit_does_not_affect_stored_machines(server: Server) -> None:
    """A limit is for new documents. A stored machine still moves, and can be dumped and restored."""
    r = server.client()
    r.execute_command("SM.SET", "k", ring(100))
    document = r.execute_command("SM.GET", "k")
    for name, value in OTHERS.items():
        server.config(name, value)
    assert r.execute_command("SM.MUTATE", "k", "s1") == "OK"
    assert r.execute_command("SM.RESET", "k") == "OK"
    payload = server.raw().execute_command("DUMP", "k")
    assert server.raw().execute_command("RESTORE", "back", 0, payload) == b"OK"
    assert r.execute_command("SM.GET", "back") == document
    with pytest.raises(redis.ResponseError, match="max-"):
        r.execute_command("SM.SET", "new", ring(101))


WRONG = [
    ("invalid-transition", "maybe"),
    ("invalid-transition", ""),
    ("invalid-transition", "nil error"),
    ("server-encoded-replies", "maybe"),
    ("fire-timers", "later"),
    ("max-memo-bytes", "1048575"),
    ("max-document-bytes", "0"),
    ("max-document-bytes", "-1"),
    ("max-document-bytes", "many"),
    ("max-document-bytes", "99999999999999999999"),
    ("max-states", "0"),
    ("max-states", "-1"),
    ("max-states", "1.5"),
    ("max-states", ""),
    ("max-elements", "0"),
    ("max-elements", "many"),
    ("max-nesting", "0"),
    ("max-nesting", "-1"),
    ("max-nesting", "1000000"),
    ("max-nesting", "x"),
    ("max-context-bytes", "1"),
    ("max-context-bytes", "-1"),
    ("max-expression-steps", "0"),
    ("max-expression-steps", "x"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_config_set_refuses(server: Server, name: str, value: str) -> None:
    with pytest.raises(redis.ResponseError) as caught:
        server.own.config_set(f"redisstate.{name}", value)
    assert name in str(caught.value)
    assert shown(server) == DEFAULTS


def test_unknown_setting(server: Server) -> None:
    with pytest.raises(redis.ResponseError):
        server.own.config_set("redisstate.nothing", "1")


def test_letter_case_of_values(server: Server) -> None:
    server.config("redisstate.invalid-transition", "ERROR")
    assert shown(server)["redisstate.invalid-transition"] == "error"


def test_in_redis_conf(start_server: Callable[..., Server]) -> None:
    server = start_server(settings=OTHERS)
    assert shown(server) == OTHERS
    assert_effect_of(server, OTHERS)


def test_as_module_arguments(start_server: Callable[..., Server]) -> None:
    server = start_server(module_args=ARGUMENTS)
    assert shown(server) == OTHERS
    assert_effect_of(server, OTHERS)
    assert server.own.config_set("redisstate.invalid-transition", "nil")
    assert server.own.config_set("redisstate.max-states", "10000")
    assert shown(server) == OTHERS | {
        "redisstate.invalid-transition": "nil",
        "redisstate.max-states": "10000",
    }


def test_redis_conf_wins_over_arguments(start_server: Callable[..., Server]) -> None:
    server = start_server(module_args=ARGUMENTS, settings={"redisstate.max-states": 77})
    assert shown(server) == OTHERS | {"redisstate.max-states": "77"}


def test_rewrite_and_restart(start_server: Callable[..., Server]) -> None:
    server = start_server()
    for name, value in OTHERS.items():
        server.own.config_set(name, value)
    server.own.config_rewrite()
    for name, value in OTHERS.items():
        assert f"{name} {value}" in server.conf.read_text().replace('"', "")
    server.restart()
    assert shown(server) == OTHERS
    assert_effect_of(server, OTHERS)


def test_rewrite_over_arguments(start_server: Callable[..., Server]) -> None:
    """What CONFIG REWRITE wrote is stronger than module arguments, even if it is a default."""
    server = start_server(module_args=ARGUMENTS)
    for name, value in DEFAULTS.items():
        server.own.config_set(name, value)
    server.own.config_rewrite()
    server.restart()
    assert shown(server) == DEFAULTS


def test_rewrite_without_a_change_keeps_the_arguments(start_server: Callable[..., Server]) -> None:
    server = start_server(module_args=ARGUMENTS)
    server.own.config_rewrite()
    server.restart()
    assert shown(server) == OTHERS


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["invalid-transition"], "pairs"),
        (["invalid-transition", "maybe"], "maybe"),
        (["max-states", "0"], "max-states"),
        (["max-states", "10", "max-states"], "pairs"),
        (["nothing", "1"], "nothing"),
        (["max-document-bytes", "many"], "many"),
    ],
)
def test_wrong_arguments_are_refused(start_server: Callable[..., Server], arguments: list[str], reason: str) -> None:
    """MODULE LOAD fails with the reason in the log, and the server goes on without the module."""
    bare = start_server(module=None)
    with pytest.raises(redis.ResponseError):
        bare.own.execute_command("MODULE", "LOAD", str(MODULE), *arguments)
    lines = [line for line in bare.log().splitlines() if "redisstate" in line and reason in line]
    assert lines, bare.log()[-2000:]
    assert bare.own.ping()
    assert bare.own.execute_command("MODULE", "LOAD", str(MODULE), "max-states", "12") == "OK"
    assert bare.own.config_get("redisstate.max-states") == {"redisstate.max-states": "12"}
    bare.own.execute_command("SM.SET", "k", README)


def test_wrong_lines_of_redis_conf_are_refused(start_server: Callable[..., Server]) -> None:
    with pytest.raises(ServerDiedError, match="max-states"):
        start_server(settings={"redisstate.max-states": "none"})


def test_an_error_instead_of_nil(server: Server) -> None:
    server.config("redisstate.invalid-transition", "error")
    r = server.client()
    r.execute_command("SM.SET", "k", README)
    before = r.execute_command("SM.GET", "k")
    for call, shown_state in [
        (("SM.MUTATE", "k", "bar"), "bar"),
        (("SM.MUTATE", "k", "notastate"), "notastate"),
        (("SM.MUTATE", "k", "notastate", "why"), "notastate"),
        (("SM.MUTATE", "k", "notastate", "why", "FORCE"), "notastate"),
    ]:
        with server.socket() as wire:
            wire.send(*call)
            assert wire.reply() == f"-ERR invalid state transition: 'bar' to '{shown_state}'".encode()
    assert r.execute_command("SM.GET", "k") == before
    assert r.execute_command("SM.MUTATE", "k", "boo") == "OK"


@pytest.mark.parametrize("name", [b"\x00", b"\xff\xfe", b"a\r\nb", b"'", b"x" * 100_000], ids=repr)
def test_the_error_is_one_line_whatever_the_name(server: Server, name: bytes) -> None:
    server.config("redisstate.invalid-transition", "error")
    server.own.execute_command("SM.SET", "k", README)
    with server.socket() as wire:
        wire.send("SM.MUTATE", "k", name)
        reply = wire.reply()
        assert reply.startswith(b"-ERR invalid state transition: 'bar' to '")
        assert reply.decode("ascii").isprintable()
        wire.send("PING")
        assert wire.reply() == b"+PONG"


def test_an_error_instead_of_nil_in_multi_and_lua(server: Server) -> None:
    server.config("redisstate.invalid-transition", "error")
    r = server.client()
    r.execute_command("SM.SET", "k", README)
    with pytest.raises(redis.ResponseError, match="invalid state transition"):
        r.eval("return redis.call('SM.MUTATE', KEYS[1], 'nowhere')", 1, "k")
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.MUTATE", "k", "nowhere")
        pipe.execute_command("SM.MUTATE", "k", "boo")
        replies = pipe.execute(raise_on_error=False)
    assert isinstance(replies[0], redis.ResponseError)
    assert replies[1] == "OK"
