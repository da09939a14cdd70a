"""MULTI/EXEC, WATCH, Lua and Functions: what works with the server's own types works with machines."""

from __future__ import annotations

import pytest
import redis

from tests.documents import README, README_GET, TRAFFIC
from tests.servers import Server


def test_multi_exec(raw: redis.Redis) -> None:
    with raw.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.SET", "k", README)
        pipe.execute_command("SM.MUTATE", "k", "boo", "why")
        pipe.execute_command("SM.MUTATE", "k", "nowhere")
        pipe.execute_command("SM.STATE", "k")
        pipe.execute_command("SM.RESET", "k")
        pipe.execute_command("SM.GET", "k")
        assert pipe.execute() == [b"OK", b"OK", None, [b"boo"], b"OK", README_GET.encode()]


def test_discard(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", README)
    connection = r.connection_pool.get_connection()
    for words in (("MULTI",), ("SM.MUTATE", "k", "boo"), ("DISCARD",)):
        connection.send_command(*words)
        connection.read_response()
    r.connection_pool.release(connection)
    assert r.execute_command("SM.STATE", "k") == ["bar"]


def test_an_error_in_exec_stops_nothing(r: redis.Redis) -> None:
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.SET", "k", "nonsense")
        pipe.execute_command("SM.SET", "k", README)
        replies = pipe.execute(raise_on_error=False)
    assert isinstance(replies[0], redis.ResponseError)
    assert replies[1] == "OK"


CHANGES = [
    ("SM.SET", "k", TRAFFIC),
    ("SM.SET", "k", README, "boo"),
    ("SM.CREATE", "k"),
    ("SM.MUTATE", "k", "blee"),
    ("SM.MUTATE", "k", "boo", "only the reason", "FORCE"),
    ("SM.RESET", "k"),
    ("DEL", "k"),
]

NO_CHANGES = [
    ("SM.SET", "k", "nonsense"),
    ("SM.SET", "k", README, "nowhere"),
    ("SM.MUTATE", "k", "nowhere"),
    ("SM.MUTATE", "k", "bar"),
    ("SM.MUTATE", "k", "nowhere", "why", "FORCE"),
    ("SM.MUTATE", "k", "boo", "the reason", "FORCE"),
    ("SM.MUTATE", "k", "boo", "why", "WRONG"),
    ("SM.MUTATE", "k", "boo", b"\xff"),
    ("SM.GET", "k"),
    ("SM.STATE", "k", "ALL"),
    ("SM.STATE", "k", "WRONG"),
    ("SM.RESET", "missing"),
    ("SM.MUTATE", "missing", "boo"),
]


@pytest.mark.parametrize(
    ("command", "wakes"),
    [(command, True) for command in CHANGES] + [(command, False) for command in NO_CHANGES],
    ids=lambda value: repr(value)[:60],
)
def test_watch(server: Server, command: tuple[str | bytes, ...], wakes: bool) -> None:
    r, other = server.client(), server.client()
    r.execute_command("SM.SET", "k", README)
    r.execute_command("SM.MUTATE", "k", "boo", "the reason")
    with r.pipeline() as pipe:
        pipe.watch("k", "missing")
        try:
            other.execute_command(*command)
        except redis.ResponseError:
            assert not wakes
        pipe.multi()
        pipe.set("done", "1")
        if wakes:
            with pytest.raises(redis.WatchError):
                pipe.execute()
        else:
            assert pipe.execute() == [True]


def test_watch_a_reset_that_changes_nothing(server: Server) -> None:
    r, other = server.client(), server.client()
    r.execute_command("SM.SET", "k", README)
    with r.pipeline() as pipe:
        pipe.watch("k")
        assert other.execute_command("SM.RESET", "k") == "OK"
        pipe.multi()
        pipe.set("done", "1")
        assert pipe.execute() == [True]


def test_lua(r: redis.Redis) -> None:
    script = """
        local set = redis.call('SM.SET', KEYS[1], ARGV[1])
        local moved = redis.call('SM.MUTATE', KEYS[1], 'boo', 'by a script')
        local refused = redis.call('SM.MUTATE', KEYS[1], 'nowhere')
        local state = redis.call('SM.STATE', KEYS[1])
        local reason = redis.call('SM.GET', KEYS[1], 'REASON')
        local missing = redis.call('SM.GET', 'missing')
        return {set.ok, moved.ok, tostring(refused), state[1], #state, reason, tostring(missing)}
    """
    assert r.eval(script, 1, "k", README) == ["OK", "OK", "false", "boo", 1, "by a script", "false"]


def test_lua_errors(r: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="not JSON"):
        r.eval("return redis.call('SM.SET', KEYS[1], 'nonsense')", 1, "k")
    caught = r.eval("return redis.pcall('SM.SET', KEYS[1], 'nonsense').err", 1, "k")
    assert caught.startswith("ERR ")
    r.set("string", "x")
    caught = r.eval("return redis.pcall('SM.GET', KEYS[1]).err", 1, "string")
    assert caught.startswith("WRONGTYPE ")


def test_lua_in_resp3(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", README)
    script = "redis.setresp(3); return {redis.call('SM.STATE', 'k')[1], redis.call('SM.GET', 'none') == nil}"
    assert r.eval(script, 0) == ["bar", 1]


def test_read_only_scripts_read_and_do_not_write(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", README)
    assert r.execute_command("EVAL_RO", "return redis.call('SM.STATE', KEYS[1])", 1, "k") == ["bar"]
    for command in ("'SM.MUTATE', KEYS[1], 'boo'", "'SM.SET', KEYS[1], '{}'", "'SM.RESET', KEYS[1]"):
        with pytest.raises(redis.ResponseError, match="Write commands are not allowed"):
            r.execute_command("EVAL_RO", f"return redis.call({command})", 1, "k")
    assert r.execute_command("SM.STATE", "k") == ["bar"]


def test_functions(r: redis.Redis) -> None:
    r.function_load(
        "#!lua name=orders\n"
        "redis.register_function('move', function(keys, args)\n"
        "  return redis.call('SM.MUTATE', keys[1], args[1], args[2])\n"
        "end)\n"
        "redis.register_function{function_name='where', flags={'no-writes'}, callback=function(keys)\n"
        "  return redis.call('SM.STATE', keys[1])\n"
        "end}\n"
    )
    r.execute_command("SM.SET", "k", README)
    assert r.fcall("move", 1, "k", "boo", "by a function") == "OK"
    assert r.fcall("move", 1, "k", "nowhere", "x") is None
    assert r.fcall_ro("where", 1, "k") == ["boo"]
    assert r.execute_command("SM.GET", "k", "REASON") == "by a function"


def test_a_script_stopped_half_way_keeps_what_it_did(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", README)
    with pytest.raises(redis.ResponseError):
        r.eval("redis.call('SM.MUTATE', KEYS[1], 'boo'); error('enough')", 1, "k")
    assert r.execute_command("SM.STATE", "k") == ["boo"]


def test_pipeline_of_thousands(raw: redis.Redis) -> None:
    with raw.pipeline(transaction=False) as pipe:
        for number in range(5000):
            pipe.execute_command("SM.SET", f"k{number}", TRAFFIC)
            pipe.execute_command("SM.MUTATE", f"k{number}", "green")
        assert pipe.execute() == [b"OK"] * 10_000
    assert raw.execute_command("DBSIZE") == 5000
