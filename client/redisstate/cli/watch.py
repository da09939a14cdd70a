"""``watch``: the steps of a machine as they come, by the server's keyspace events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from .. import errors
from ..machine import Machine
from ..replies import Entry
from . import output
from .connection import KEY, Server, node_of, server_of, url_option
from .failures import NO, ServerFailure

NEEDED = {"K": "K", "g": "gA"}
"""What notify-keyspace-events must have, and the letters that stand for it."""
CATCHING_UP = 100
"""How many steps of the history are asked for where more than one has happened since the last event."""


@dataclass
class Seen:
    """Where the machine stood when it was last asked."""

    states: tuple[str, ...] = ()
    status: str | None = None
    revision: int | None = None
    steps: tuple[Entry, ...] = ()
    """The newest of its history, the newest first."""

    def described(self) -> list[output.Part]:
        where = (", ".join(self.states), output.STATE) if self.states else ("no machine", output.DIM)
        line: list[output.Part] = [where]
        if self.status not in (None, "active"):
            line.append((f"  {self.status}", output.BAD if self.status == "error" else output.GOOD))
        if self.revision is not None:
            line.append((f"  revision {self.revision}", output.DIM))
        return line


@click.command()
@click.argument("key", type=KEY)
@click.option("--until", "goal", metavar="STATE", help="End with 0 when this state is active.")
@click.option("--timeout", metavar="SECONDS", type=click.FloatRange(0), help="End then; with 1 if --until waits.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each step.")
@url_option
@server_of
def watch(server: Server, key: bytes, goal: str | None, timeout: float | None, as_json: bool) -> None:
    """Print each step of the machine at KEY as it happens.

    The server must publish keyspace events (notify-keyspace-events Kg). A machine that keeps its history shows every
    step with its event; of another only what has become of it is seen. Ends with Ctrl-C.
    """
    client = server.client()
    _look(client, key)  # a server without the module has no events either
    node = node_of(client, key)
    _ask_for_events(server, node)
    database = node.connection_pool.connection_kwargs.get("db") or 0
    events = click.get_current_context().with_resource(node.pubsub())
    events.subscribe(b"__keyspace@%d__:%b" % (database, key))
    while not events.get_message(timeout=1):  # the answer to it: what happens from then on is heard
        pass
    seen = _look(client, key)
    _print_first(seen, as_json)
    end = None if timeout is None else time.monotonic() + timeout
    while not _reached(seen, goal):
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            click.get_current_context().exit(NO if goal else 0)
        message = events.get_message(timeout=left)
        if message is None or message["type"] != "message":
            continue
        now = _look(client, key)
        for step in _steps(message["data"], seen, now):
            _print(step, now, as_json)
        seen = now


def _ask_for_events(server: Server, node: Any) -> None:
    """Ends the command where the server publishes no events of machines. Who may not ask is told so."""
    try:
        setting = node.config_get("notify-keyspace-events")
    except Exception as error:
        if not type(error).__name__.endswith(("ResponseError", "NoPermissionError")):
            raise
        output.remark("this user may not ask whether the server publishes keyspace events: without, nothing is shown")
        return
    letters = next((output.shown(value) for value in setting.values()), "")
    missing = [letter for letter, either in NEEDED.items() if not set(either) & set(letters)]
    if missing:
        raise ServerFailure(
            f"{server.shown} publishes no keyspace events of machines (notify-keyspace-events is '{letters}')\n"
            f"Turn them on with  redis-cli CONFIG SET notify-keyspace-events {letters}{''.join(missing)}",
        )


def _look(client: Any, key: bytes) -> Seen:
    """All at one time: another step may come between two questions."""
    pipe = Machine(node_of(client, key), key).pipeline()
    pipe.states()
    pipe.status()
    pipe.revision()
    pipe.history(CATCHING_UP)
    try:
        states, status, revision, steps = pipe.execute()
    except (errors.NoSuchMachine, errors.NotAMachine):
        return Seen()
    return Seen(states, status, revision, tuple(steps))


def _reached(seen: Seen, goal: str | None) -> bool:
    return goal is not None and any(state == goal or state.startswith(goal + ".") for state in seen.states)


def _steps(event: bytes, seen: Seen, now: Seen) -> Iterator[dict[str, Any]]:
    """What has happened since ``seen``: the history's entries, or, without a history, one step."""
    if now == seen and event.startswith(b"sm."):
        return  # it was seen with the event before
    new = [one for one in now.steps if one.revision > (seen.revision or 0)] if event.startswith(b"sm.") else []
    for one in reversed(new):
        yield {"ms": one.ms, "event": one.event or output.shown(event), "from": one.before, "to": one.after,
               "revision": one.revision, "user": one.user, "reason": one.reason}  # fmt: skip
    if not new:
        yield {"ms": int(time.time() * 1000), "event": output.shown(event), "from": seen.states, "to": now.states,
               "revision": now.revision}  # fmt: skip


def _print_first(seen: Seen, as_json: bool) -> None:
    if as_json:
        first = {"ms": int(time.time() * 1000), "event": None, "from": (), "to": seen.states}
        output.say_json_line({**first, "revision": seen.revision, "status": seen.status})
    else:
        output.say([(f"{_now()}  ", output.DIM), *seen.described()])


def _print(step: dict[str, Any], now: Seen, as_json: bool) -> None:
    status = now.status if step["revision"] == now.revision else "active"
    if as_json:
        output.say_json_line({name: value for name, value in {**step, "status": status}.items() if value is not None})
        return
    after = Seen(step["to"], status, step["revision"])
    line: list[output.Part] = [(f"{_now(step['ms'])}  ", output.DIM), (step["event"], output.EVENT), "  "]
    if step["from"] != step["to"]:
        line.append(f"{', '.join(step['from']) or 'no machine'} → ")
    line += after.described()
    if step.get("reason"):
        line.append(f"  {step['reason']}")
    output.say(line)


def _now(ms: int | None = None) -> str:
    return output.at(int(time.time() * 1000) if ms is None else ms)


def register(app: click.Group) -> None:
    app.add_command(watch)
