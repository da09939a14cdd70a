"""``show``, ``history`` and ``pending``: a machine as it stands, where it came from, and what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ..machine import Machine
from ..replies import Entry, Pending
from . import output
from .connection import KEY, Server, node_of, server_of, url_option

STYLES = {"active": output.GOOD, "done": output.GOOD, "waiting": "", "due": output.ODD}
SHOWN = 5
"""How many steps of its history are shown with a machine."""


def definition(document: dict[str, Any]) -> str:
    """How a machine's document calls itself: ``order@1``, or what it is."""
    if "id" not in document:
        return "a map without an id" if "map" in document else "a chart without an id"
    return f"{document['id']}@{document['version']}" if "version" in document else str(document["id"])


def history_lines(found: Sequence[Entry]) -> list[output.Line]:
    return output.table(
        ("revision", "time", "user", "event", "from", "to", "reason"),
        [
            (
                str(one.revision),
                output.at(one.ms),
                one.user,
                (one.event or "", output.EVENT),
                ", ".join(one.before),
                (", ".join(one.after), output.STATE),
                " ".join(filter(None, ["(forced)" if one.forced else "", one.reason])),
            )
            for one in found
        ],
    )


def pending_lines(found: Sequence[Pending]) -> list[output.Line]:
    return output.table(
        ("kind", "status", "when", "what", "handle", ""),
        [
            (
                "deadline" if one.kind == "timer" else "task",
                (one.status, STYLES.get(one.status, output.BAD)),
                output.until(one.ms),
                (one.src or "", output.EVENT) if one.kind == "task" else (_event(one), output.EVENT),
                one.handle,
                (one.error, output.BAD) if one.error else "" if one.input is None else output.compact(one.input),
            )
            for one in found
        ],
    )


def _event(timer: Pending) -> str:
    event = timer.event
    return str(event["type"]) if isinstance(event, dict) else str(event)


def _entry(one: Entry) -> dict[str, Any]:
    """As SM.HISTORY calls it."""
    found = one._asdict()
    return {{"before": "from", "after": "to"}.get(name, name): value for name, value in found.items()}


def _pending(one: Pending) -> dict[str, Any]:
    found = {name: value for name, value in one._asdict().items() if value is not None}
    found["due" if one.kind == "timer" else "since"] = found.pop("ms")
    return found


def _ask(node: Any, key: bytes) -> tuple[dict[str, Any], list[Pending], list[Entry]]:
    """All that there is to say of a machine, at one time."""
    pipe = Machine(node, key).pipeline()
    for ask in (pipe.document, pipe.states, pipe.status, pipe.revision, pipe.reason, pipe.context, pipe.output):
        ask()
    pipe.next()
    pipe.pending()
    pipe.history(SHOWN)
    document, states, status, revision, reason, context, given, events, waits, steps = pipe.execute()
    found = {
        "key": output.shown(key),
        "definition": definition(document),
        "states": states,
        "status": status,
        "revision": revision,
        "reason": reason,
        "context": context,
        "output": given,
        "next": events,
    }
    return found, waits, steps


@click.command()
@click.argument("key", type=KEY)
@output.json_option
@url_option
@server_of
def show(server: Server, key: bytes, as_json: bool) -> None:
    """Show the machine at KEY: where it stands, what it holds.

    Also what it takes and waits for, and its last steps.
    """
    found, waits, steps = _ask(node_of(server.client(), key), key)
    if as_json:
        found |= {"pending": [_pending(one) for one in waits], "history": [_entry(one) for one in steps]}
        output.say_json(found)
        return
    output.say([(found["key"], "bold"), ("  " + found["definition"], output.DIM)])
    for name in ("states", "status", "revision", "reason", "context", "output", "next"):
        value = found[name]
        if value is None:
            continue
        style = {"states": output.STATE, "next": output.EVENT}.get(name, "")
        if name == "status":
            style = STYLES.get(str(value), output.BAD)
        if name in ("states", "next"):
            value = ", ".join(value)
        elif name in ("context", "output"):
            value = output.compact(value)
        output.say([(f"{name:<10}", output.DIM), (str(value), style)])
    for title, lines in (("waits for", pending_lines(waits)), ("last steps", history_lines(steps))):
        if len(lines) > 1:
            output.say("", [(title, output.DIM)], *[["  ", *line] for line in lines])


@click.command()
@click.argument("key", type=KEY)
@click.option("-n", "--count", metavar="N", type=click.IntRange(1), help="At most so many steps.")
@click.option("--before", metavar="REVISION", type=int, help="Only steps before this revision.")
@output.json_option
@url_option
@server_of
def history(server: Server, key: bytes, count: int | None, before: int | None, as_json: bool) -> None:
    """Show the steps of the machine at KEY, the newest first.

    A machine keeps them where its document says so: "store": {"history": 100}.
    """
    found = Machine(server.client(), key).history(count, before)
    if as_json:
        output.say_json([_entry(one) for one in found])
    elif found:
        output.say(*history_lines(found))
    else:
        output.remark('no steps are kept: a document with "store": {"history": 100} keeps the last hundred')


@click.command()
@click.argument("key", type=KEY)
@output.json_option
@url_option
@server_of
def pending(server: Server, key: bytes, as_json: bool) -> None:
    """Show the deadlines and tasks of the machine at KEY."""
    found = Machine(server.client(), key).pending()
    if as_json:
        output.say_json([_pending(one) for one in found])
    elif found:
        output.say(*pending_lines(found))
    else:
        output.remark("it waits for nothing")


def register(app: click.Group) -> None:
    for command in (show, history, pending):
        app.add_command(command)
