"""What the tests of ``convert`` share: a converted document on a real server, and other interpreters of the source."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import redis

from redisstate.convert import Conversion
from tests.servers import wait_until

FIXTURES = Path(__file__).parent / "fixtures"
KEY = "converted"


class Played:
    """A converted document as a machine of a server, which found nothing wrong with it."""

    def __init__(self, client: redis.Redis, conversion: Conversion | dict[str, Any]) -> None:
        self.client = client
        document = conversion.document if isinstance(conversion, Conversion) else conversion
        text = json.dumps(document)
        findings = client.execute_command("SM.CHECK", text)
        assert [finding for finding in findings if finding[0] == "error"] == [], text
        assert client.execute_command("SM.SET", KEY, text) == "OK"
        self.effects: list[Any] = []

    @property
    def states(self) -> list[str]:
        """The names of the active atomic states, sorted: with the ids of SCXML, they are unique."""
        return sorted(path.rpartition(".")[2] for path in self.client.execute_command("SM.STATE", KEY))

    @property
    def context(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.client.execute_command("SM.GET", KEY, "CONTEXT"))
        return found

    def send(self, event: str, data: dict[str, Any] | None = None, guards: list[str] | None = None) -> list[str]:
        """Sends an event, waits for what the machine sends itself at once, and gives the states."""
        more: list[Any] = [] if data is None else ["DATA", json.dumps(data)]
        if guards is not None:
            more += ["GUARDS", len(guards), *guards]
        reply = self.client.execute_command("SM.SEND", KEY, event, *more, "EFFECTS")
        taken = dict(zip(reply[::2], reply[1::2], strict=True)) if reply else {"effects": []}
        self.effects = [json.loads(effect) for effect in taken["effects"]]
        self.settle()
        return self.states

    @property
    def pending(self) -> dict[str, dict[str, Any]]:
        """What the machine waits for, by id."""
        found = {}
        for reply in self.client.execute_command("SM.PENDING", KEY):
            one = dict(zip(reply[::2], reply[1::2], strict=True))
            found[one["id"]] = one
        return found

    def settle(self) -> None:
        """Waits until no deadline is due."""

        def nothing_due() -> bool:
            now = time.time() * 1000 + 50
            return all(one["kind"] != "timer" or int(one["due"]) > now for one in self.pending.values())

        wait_until(nothing_due, "what is due at once fires", 10)

    def fire(self, identity: str) -> list[str]:
        """Lets the deadline of that id fire now."""
        self.client.execute_command("SM.FIRE", KEY, self.pending[identity]["handle"])
        self.settle()
        return self.states


def read(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()
