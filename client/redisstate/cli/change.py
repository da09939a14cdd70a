"""``set``, ``send`` and ``force``: what moves a machine."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from .. import errors
from ..machine import Machine
from ..replies import Step
from . import output
from .check import DOCUMENT, read, refused
from .connection import KEY, Server, offered, server_of, url_option
from .failures import Failure

F = TypeVar("F", bound=Callable[..., Any])


DEEPEST = 256
"""Levels of JSON inside one another that a server can be told to take."""


class TooDeep(ValueError):
    """JSON that no server takes."""


def _decoded(text: str | bytes) -> Any:
    """JSON as RFC 8259 has it: Python's reads NaN, the infinities, and numbers that become one. Raises ValueError."""
    try:
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise TooDeep(f"nested deeper than {DEEPEST} levels") from None
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [one for one in level if isinstance(one, (dict, list))]
        if not level:
            return value
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    raise TooDeep(f"nested deeper than {DEEPEST} levels")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number


class Json(click.ParamType):  # type: ignore[type-arg]
    """JSON; ``@FILE`` is that of a file, ``-`` that of stdin."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            text = read(value.removeprefix("@")) if value == "-" or value.startswith("@") else os.fsencode(value)
        except Failure as failure:
            self.fail(failure.message, param, ctx)
        try:
            return _decoded(text)
        except ValueError as error:
            self.fail(f"not JSON: {error}", param, ctx)


class Offered(click.ParamType):  # type: ignore[type-arg]
    """A name. The shell is offered those that the machine itself answers."""

    def __init__(self, name: str, names: Callable[[Machine], Iterable[str]]) -> None:
        self.name = name
        self.names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            names = self.names(Machine(ctx.ensure_object(Server).client(), ctx.params["key"]))
        except Exception:  # a shell that completes a word shows no errors
            return []
        return offered(name for name in names if name.startswith(incomplete))


JSON = Json()
EVENT = Offered("event", Machine.next)
STATE = Offered("state", Machine.all_states)


def options_of_a_step(command: F) -> F:
    """The options that set and send share."""
    for option in (
        click.option("--if-state", metavar="STATE", help="Only if this state is active."),
        click.option("--if-revision", metavar="N", type=int, help="Only if the machine is at this revision."),
        click.option("--no-guards", is_flag=True, help="None of your guards holds."),
        click.option("--guard", "guards", metavar="NAME", multiple=True, help="A guard of yours that holds."),
    ):
        command = option(command)
    return command


def _guards(guards: tuple[str, ...], none: bool) -> tuple[str, ...] | None:
    if guards and none:
        raise click.UsageError("--guard and --no-guards say the contrary of each other")
    return guards if guards or none else None


def _print(step: Step, as_json: bool) -> None:
    if as_json:
        effects = [{name: value for name, value in one._asdict().items() if value is not None} for one in step.effects]
        taken = {"taken": bool(step), "states": step.states, "effects": effects}
        output.say_json({**taken, "revision": step.revision, "status": step.status})
        return
    line: list[output.Part] = [(", ".join(step.states), output.STATE)]
    if step.status != "active":
        line.append((f"  {step.status}", output.BAD if step.status == "error" else output.GOOD))
    if step.revision is not None:
        line.append((f"  revision {step.revision}", output.DIM))
    output.say(line)
    for effect in step.effects:
        params = "" if effect.params is None else f" {output.compact(effect.params)}"
        output.say(["  ", (effect.type, output.EVENT), params])


@click.command("set")
@click.argument("key", type=KEY)
@click.argument("file", type=DOCUMENT)
@click.option("--input", metavar="JSON", type=JSON, help="The input of its expressions; @FILE or - reads it.")
@click.option("--current", metavar="STATE", help="Where it stands, instead of its initial state.")
@click.option("--if-absent", is_flag=True, help="Only if there is no such key.")
@click.option("--if-present", is_flag=True, help="Only if there is one.")
@options_of_a_step
@output.json_option
@url_option
@server_of
def set_(
    server: Server,
    key: bytes,
    file: str,
    input: Any,
    current: str | None,
    if_absent: bool,
    if_present: bool,
    guards: tuple[str, ...],
    no_guards: bool,
    if_revision: int | None,
    if_state: str | None,
    as_json: bool,
) -> None:
    """Store the document in FILE as a machine at KEY, and start it.

    What it is to do at its start, its effects, is printed.
    """
    if if_absent and if_present:
        raise click.UsageError("--if-absent and --if-present say the contrary of each other")
    document = read(file)
    try:
        step = Machine(server.client(), key).set(
            document,
            input=input,
            current=current,
            guards=_guards(guards, no_guards),
            if_absent=if_absent,
            if_present=if_present,
            if_revision=if_revision,
            if_state=if_state,
        )
    except errors.InvalidDocument as error:
        if not error.path.startswith("$"):
            raise
        raise refused(file, document, error) from None
    if step is None:
        raise Failure(f"nothing was changed: {output.shown(key)} is {'there' if if_absent else 'not there'}")
    _print(step, as_json)


@click.command()
@click.argument("key", type=KEY)
@click.argument("event", type=EVENT)
@click.argument("members", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--data", metavar="JSON", type=JSON, help="All data of the event; @FILE or - reads it.")
@click.option("--reason", metavar="TEXT", help="Why.")
@click.option("--id", "idempotency_key", metavar="TOKEN", help="Sent again with the same, it does nothing again.")
@options_of_a_step
@output.json_option
@url_option
@server_of
def send(
    server: Server,
    key: bytes,
    event: str,
    members: tuple[str, ...],
    data: Any,
    reason: str | None,
    idempotency_key: str | None,
    guards: tuple[str, ...],
    no_guards: bool,
    if_revision: int | None,
    if_state: str | None,
    as_json: bool,
) -> None:
    """Give the machine at KEY an event.

    Its data come as NAME=VALUE: a VALUE that is JSON is taken as such, any other as text. The new states and the
    effects are printed. The exit status is 1 where the machine does not take the event.
    """
    if data is not None and not isinstance(data, dict):
        raise click.UsageError("--data must be a JSON object")
    given = _data(data, members)
    machine = Machine(server.client(), key)
    holding = _guards(guards, no_guards)
    step = machine.send(
        event,
        given,
        guards=holding,
        reason=reason,
        if_revision=if_revision,
        if_state=if_state,
        idempotency_key=idempotency_key,
    )
    if not step and not as_json:
        raise Failure(_why_not(machine, event, given, holding, step))
    _print(step, as_json)
    if not step:
        click.get_current_context().exit(1)


def _data(data: dict[str, Any] | None, members: tuple[str, ...]) -> dict[str, Any] | None:
    found = {} if data is None else dict(data)
    for member in members:
        name, equals, value = member.partition("=")
        if not (name and equals):
            raise click.UsageError(f"'{member}' is no NAME=VALUE")
        try:
            found[name] = _decoded(value)
        except TooDeep as error:
            raise click.UsageError(f"'{output.shown(name)}': {error}") from None
        except ValueError:
            found[name] = value
    return None if data is None and not members else found


def _why_not(
    machine: Machine, event: str, data: dict[str, Any] | None, guards: tuple[str, ...] | None, step: Step
) -> str:
    """Where the machine stands, what became of each candidate, and what it would take."""
    lines = [f"{output.shown(machine.key)} does not take {event} in {', '.join(step.states)}"]
    lines += [f"  {verdict}  {place}" for place, verdict in machine.why(event, data, guards=guards)]
    lines.append(f"It takes: {', '.join(machine.next()) or 'nothing'}")
    return "\n".join(lines)


@click.command()
@click.argument("key", type=KEY)
@click.argument("state", type=STATE)
@click.option("--reason", metavar="TEXT", required=True, help="Why.")
@options_of_a_step
@output.json_option
@url_option
@server_of
def force(
    server: Server,
    key: bytes,
    state: str,
    reason: str,
    guards: tuple[str, ...],
    no_guards: bool,
    if_revision: int | None,
    if_state: str | None,
    as_json: bool,
) -> None:
    """Move the machine at KEY to STATE, whatever its transitions say.

    For who repairs. Its effects and tasks are those of any step into STATE. The exit status is 1 where the machine has
    no such state.
    """
    machine = Machine(server.client(), key)
    step = machine.mutate(
        state,
        reason=reason,
        force=True,
        guards=_guards(guards, no_guards),
        if_revision=if_revision,
        if_state=if_state,
    )
    if not step and not as_json:
        raise Failure(f"{output.shown(key)} has no state {state}\nIt has: {', '.join(machine.all_states())}")
    _print(step, as_json)
    if not step:
        click.get_current_context().exit(1)


def register(app: click.Group) -> None:
    app.add_command(set_)
    app.add_command(send)
    app.add_command(force)
