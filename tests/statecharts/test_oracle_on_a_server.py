"""SM.SEND on a server does what XState did: every fixture and every event, with a DUMP and RESTORE in the middle, and
SM.CAN, SM.STATE and SM.GET compared after each."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from tests.core.chart_support import FIXTURES
from tests.servers import Server

PARTS = 8


def state_value(text: str) -> object:
    """What SM.GET key CURRENT answers, as XState's state value."""
    return json.loads(text) if text.startswith("{") else text


def send_all(r: redis.Redis, name: str, events: list[dict[str, Any]]) -> list[Any]:
    """For each event: SM.CAN, SM.SEND ACTIONS, then SM.STATE and SM.GET CURRENT."""
    with r.pipeline(transaction=False) as pipe:
        for expected in events:
            pipe.execute_command("SM.CAN", name, expected["event"])
            pipe.execute_command("SM.SEND", name, expected["event"], "ACTIONS")
            pipe.execute_command("SM.STATE", name)
            pipe.execute_command("SM.GET", name, "CURRENT")
        replies = pipe.execute(raise_on_error=False)
    return [replies[first : first + 4] for first in range(0, len(replies), 4)]


def store_and_restore(r: redis.Redis, raw: redis.Redis, name: str) -> None:
    """Stores the machine again from SM.GET, then restores it from DUMP."""
    whole = r.execute_command("SM.GET", name)
    digest = r.execute_command("DEBUG", "DIGEST-VALUE", name)
    assert r.execute_command("SM.SET", name, whole) == "OK"
    assert r.execute_command("DEBUG", "DIGEST-VALUE", name) == digest, name
    dumped = raw.dump(name)
    r.delete(name)
    raw.restore(name, 0, dumped)
    assert r.execute_command("DEBUG", "DIGEST-VALUE", name) == digest, name
    assert r.execute_command("SM.GET", name) == whole


def compare(r: redis.Redis, raw: redis.Redis, fixture: dict[str, Any]) -> None:
    name, events = fixture["name"], fixture["events"]
    assert r.execute_command("SM.SET", name, json.dumps(fixture["config"])) == "OK"
    assert state_value(r.execute_command("SM.GET", name, "CURRENT")) == fixture["start"]["value"]
    assert r.execute_command("SM.RESET", name, "ACTIONS")[1] == fixture["start"]["actions"]
    middle = len(events) // 2
    replies = send_all(r, name, events[:middle])
    store_and_restore(r, raw, name)
    replies += send_all(r, name, events[middle:])
    value = fixture["start"]["value"]
    for expected, (can, sent, states, current) in zip(events, replies, strict=True):
        if expected.get("error") and expected["taken"] == 1:
            assert can == 1, name  # a transition takes it
            assert "do not end" in str(sent), name
        elif expected["taken"] == 1:
            value = expected["value"]
            assert can == 1, name
            assert sent == [states, expected["actions"]], name
        else:
            assert (can, sent) == (0, None), name
        assert state_value(current) == value, name


@pytest.mark.parametrize("part", range(PARTS))
def test_the_server_agrees_with_xstate(server: Server, r: redis.Redis, part: int) -> None:
    for fixture in FIXTURES[part::PARTS]:
        compare(r, server.raw(), fixture)
