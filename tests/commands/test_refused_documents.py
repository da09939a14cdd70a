"""Every fault of a document is refused with its place, and the machine that stood there stays."""

from __future__ import annotations

import re

import pytest
import redis

from tests.documents import README, nested
from tests.refusals import MAPS
from tests.servers import Server


@pytest.mark.parametrize(("document", "place"), MAPS, ids=range(len(MAPS)))
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
    before = server.writes()
    with pytest.raises(redis.ResponseError):
        r.execute_command(*command)
    assert server.writes() == before


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
