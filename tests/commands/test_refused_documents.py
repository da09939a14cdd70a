"""Every fault of a document is refused with its place, and the machine that stood there stays."""

from __future__ import annotations

import re

import pytest
import redis

from tests.documents import README, nested
from tests.servers import Server

FAULTS: list[tuple[str | bytes, str]] = [
    # not UTF-8
    (b"\xff", "$"),
    (b'{"map":{"a":["\xff"]},"initial":"a"}', "$"),
    (b'{"map":{},"initial":"a\xc3"}', "$"),
    (b'{"map":{},"initial":"\xed\xa0\x80"}', "$"),
    (b'{"map":{},"initial":"\xc0\x80"}', "$"),
    ('{"map":{},"initial":"a"}'.encode("utf-16"), "$"),
    # not JSON
    ("", "$"),
    (" ", "$"),
    ("{", "$"),
    ("nonsense", "$"),
    ('{"map":{},"initial":"a"', "$"),
    ('{"map":{},"initial":"a",}', "$"),
    ('{"map":{},"initial":"a"}x', "$"),
    ('{"map":{},"initial":"a"}\0', "$"),
    ('{"map":{},"initial":"a"}{}', "$"),
    ("{'map':{},'initial':'a'}", "$"),
    ('{map:{},"initial":"a"}', "$"),
    ('{"map":{},"initial":"a\nb"}', "$"),
    ('{"map":{},"initial":"\0"}', "$"),
    ('{"map":{},"initial":"\\x41"}', "$"),
    ('{"map":{},"initial":"\\u12"}', "$"),
    ('{"map":{},"initial":"a",/**/"id":"x"}', "$"),
    ('\ufeff{"map":{},"initial":"a"}', "$"),
    ('{"map":{},"initial":"a","meta":01}', "$"),
    # a lone surrogate is not text
    ('{"map":{},"initial":"\\ud800"}', "$"),
    ('{"map":{"\\udc00":[]},"initial":"a"}', "$.map"),
    # not an object
    ("[]", "$"),
    ("null", "$"),
    ("1", "$"),
    ('"text"', "$"),
    ("true", "$"),
    # no number
    ('{"map":{},"initial":"a","meta":NaN}', "$"),
    ('{"map":{},"initial":"a","meta":[Infinity]}', "$"),
    ('{"map":{},"initial":"a","meta":{"x":-Infinity}}', "$"),
    ('{"map":{},"initial":"a","meta":1e999}', "$"),
    # a duplicate member
    ('{"map":{},"map":{},"initial":"a"}', "$"),
    ('{"map":{"a":[],"a":["b"]},"initial":"a"}', "$.map"),
    ('{"map":{"a":[],"\\u0061":["b"]},"initial":"a"}', "$.map"),
    ('{"map":{},"initial":"a","meta":{"deep":[{"x":1,"x":2}]}}', "$.meta.deep[0]"),
    # an unknown member
    ('{"map":{},"initial":"a","x":1}', "x"),
    ('{"map":{},"initial":"a","Map":{}}', "Map"),
    ('{"map":{},"initial":"a","":1}', "$"),
    ('{"map":{},"initial":"a","__proto__":1}', "__proto__"),
    # a missing member
    ("{}", "$"),
    ('{"initial":"a"}', "map"),
    ('{"map":{}}', "initial"),
    # a wrong type
    ('{"map":[],"initial":"a"}', "$.map"),
    ('{"map":null,"initial":"a"}', "$.map"),
    ('{"map":"a","initial":"a"}', "$.map"),
    ('{"map":{"a":"b"},"initial":"a"}', "$.map.a"),
    ('{"map":{"a":null},"initial":"a"}', "$.map.a"),
    ('{"map":{"a":{}},"initial":"a"}', "$.map.a"),
    ('{"map":{"a":["b",1]},"initial":"a"}', "$.map.a[1]"),
    ('{"map":{"a":[null]},"initial":"a"}', "$.map.a[0]"),
    ('{"map":{"a":["b",["c"]]},"initial":"a"}', "$.map.a[1]"),
    ('{"map":{},"initial":1}', "$.initial"),
    ('{"map":{},"initial":null}', "$.initial"),
    ('{"map":{},"initial":["a"]}', "$.initial"),
    ('{"map":{},"initial":"a","current":null}', "$.current"),
    ('{"map":{},"initial":"a","current":{"a":"b"}}', "$.current"),
    ('{"map":{},"initial":"a","reason":1}', "$.reason"),
    ('{"map":{},"initial":"a","reason":null}', "$.reason"),
    ('{"map":{},"initial":"a","id":1}', "$.id"),
    ('{"map":{},"initial":"a","version":1}', "$.version"),
    ('{"map":{},"initial":"a","description":["x"]}', "$.description"),
    # a state that is not known
    ('{"map":{"a":["b"]},"initial":"a","current":"c"}', "$.current"),
    ('{"map":{"a":["b"]},"initial":"a","current":"A"}', "$.current"),
]


@pytest.mark.parametrize(("document", "place"), FAULTS, ids=range(len(FAULTS)))
def test_refused(r: redis.Redis, document: str | bytes, place: str) -> None:
    r.execute_command("SM.SET", "k", README, "boo")
    before = r.execute_command("SM.GET", "k")
    for key in ("k", "new"):
        with pytest.raises(redis.ResponseError) as caught:
            r.execute_command("SM.SET", key, document)
        assert place in str(caught.value)
        assert "$" in str(caught.value)
        assert str(caught.value).isprintable()
    assert r.execute_command("SM.GET", "k") == before
    assert r.exists("new") == 0
    assert r.ping()


def test_the_error_starts_with_err(server: Server) -> None:
    with server.socket() as wire:
        wire.send("SM.SET", "k", "nonsense")
        assert re.fullmatch(rb"-ERR .*\$.*not JSON.*", wire.line())


@pytest.mark.parametrize("command", [("SM.SET", "k", "{}"), ("SM.SET", "k", README, "nowhere")])
def test_a_refused_command_is_counted_and_nothing_else(server: Server, command: tuple[str, ...]) -> None:
    """Not replicated, not saved: neither the offset nor the number of changes moves."""
    r = server.client()
    r.execute_command("SM.SET", "k", README)
    before = server.info("persistence")["rdb_changes_since_last_save"]
    with pytest.raises(redis.ResponseError):
        r.execute_command(*command)
    assert server.info("persistence")["rdb_changes_since_last_save"] == before


def test_limits_by_default(server: Server) -> None:
    r = server.client()
    limits = {
        name: int(r.config_get(f"redisstate.{name}")[f"redisstate.{name}"])
        for name in ("max-document-bytes", "max-states", "max-nesting")
    }
    small = '{"map":{},"initial":"a","meta":"%s"}'
    fits = small % ("x" * (limits["max-document-bytes"] - len(small) + 2))
    assert len(fits) == limits["max-document-bytes"]
    assert r.execute_command("SM.SET", "k", fits) == "OK"
    with pytest.raises(redis.ResponseError, match="max-document-bytes"):
        r.execute_command("SM.SET", "k", fits + " ")
    assert r.execute_command("SM.SET", "k", nested(limits["max-nesting"])) == "OK"
    with pytest.raises(redis.ResponseError, match="max-nesting"):
        r.execute_command("SM.SET", "k", nested(limits["max-nesting"] + 1))
    states = ",".join(f'"{i}":[]' for i in range(limits["max-states"]))
    assert r.execute_command("SM.SET", "k", f'{{"map":{{{states}}},"initial":"0"}}') == "OK"
    with pytest.raises(redis.ResponseError, match="max-states"):
        r.execute_command("SM.SET", "k", f'{{"map":{{{states}}},"initial":"one more"}}')
