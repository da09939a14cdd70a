"""Follows a chart with data, time and tasks, step by step, through what XState did with it: a fixture's records.

What answers is anything that can be asked for one record at a time: the engine (EngineTaker), or a server.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sm_core import NOT_TAKEN, Definition, Effect, EngineError, Given, Limits, Machine, Outcome, compile_document
from sm_core.definition import SPAWN, STOP, Arm, Cancel
from tests.core.effect_text import effect_text

XSTATE = Path(__file__).parent / "xstate"

Record = dict[str, Any]

MOVED = "moved-without-transition"
"""XState's transition() was given an event that no transition takes, and yet an ``always`` did something."""
RAN_AGAIN = "ran-again"
"""Likewise, but all that happened is that an ``always`` without a target ran its effects; here it does not."""
OTHER_ORDER = "always-order"
"""XState asks several ``always`` in the order in which their states were entered; here it is the document's."""
ARMED_TWICE = "armed-twice"
"""A deadline is armed under an id that is pending: here it replaces the older one, which XState leaves armed."""
STARTED_TWICE = "started-twice"
"""A task is started under an id that runs: its state was entered again without being left."""

RAISE, CANCEL = "xstate.raise", "xstate.cancel"
"""How XState calls what arms and cancels a deadline."""
DONE_TASK, FAILED_TASK = "xstate.done.actor.", "xstate.error.actor."


ENDLESS = re.compile("do not end|options.maxIterations|max-expression-steps|nested more than")
"""In what is said of a step that does not end: which bound it comes to first is not XState's."""


class Seen(NamedTuple):
    """A machine after a step, and what the step asked for. Absent members are None, as JSON texts are."""

    value: Any
    status: str
    context: Any
    output: Any
    history: dict[str, list[str]]
    error: Any = None
    pending: Any = ()
    """The deadlines, sorted as ``exact`` writes them: ``{"id", "event", "delay"}``."""
    tasks: Any = ()
    """The ids of the tasks that were started and not stopped, sorted."""


class Taken(NamedTuple):
    """What the one who was asked did with a record."""

    can: bool | None
    """Before the step; None where there was no event, or one that no client sends: the end of a task."""
    effects: list[Any] | None
    """As JSON values; None: nothing happened at all."""
    timers: list[Any] | None
    """What was armed and cancelled, in its order; None likewise."""
    seen: Seen
    refused: bool = False
    """The step does not end: nothing happened, and it is said that it does not."""


Taker = Callable[[Record], Taken]
"""Takes a record: a start, where it has no ``event``."""


def read_charts(path: Path) -> list[Record]:
    charts: list[Record] = json.loads(gzip.decompress(path.read_bytes()))["charts"]
    return charts


def document_of(chart: Record) -> dict[str, Any]:
    """The document of a chart; the delays that XState was given beside its config are in it."""
    config: dict[str, Any] = chart["config"]
    return {**config, "delays": chart["delays"]} if chart.get("delays") else config


def exact(value: Any) -> str:
    """A JSON value so that 1, 1.0 and true are three, and the order of members is none."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def timer_of(action: Record) -> Record:
    """What arms or cancels a deadline, or a deadline that is pending, in the form of this file: without an id it is "",
    an event that is its type alone is an object too, and a delay is in whole milliseconds."""
    made = {"id": "", **action}
    if "delay" in made:
        made["delay"] = math.ceil(made["delay"])
        made["event"] = {"type": made["event"]} if isinstance(made["event"], str) else made["event"]
    return made


def event_of(record: Record) -> tuple[str, str | None]:
    """The event's name, and its data as JSON text where it has some."""
    data = dict(record["event"])
    name: str = data.pop("type")
    return name, json.dumps(data) if data else None


def guards_of(record: Record) -> frozenset[str]:
    """The client's guards that hold in this step."""
    return frozenset(name for name, holds in record["guards"].items() if holds)


def history_of(held: dict[str, list[dict[str, str]]] | None) -> dict[str, list[str]]:
    """A history value: for each history state, the ids of the states that it holds, sorted."""
    return {name: sorted(one["id"] for one in listed) for name, listed in (held or {}).items()}


def is_report(record: Record) -> bool:
    """Is the event the end of a task?"""
    return "event" in record and record["event"]["type"].startswith((DONE_TASK, FAILED_TASK))


def expected(chart: Record) -> Iterator[tuple[Record, Taken]]:
    """Each record of a chart with what has to come of it, as far as XState's order is the document's."""
    context = chart["config"].get("context")
    history: dict[str, list[str]] = {}
    error, status = None, "active"
    seen = Seen(None, "", None, None, history, None, [], [])
    for record in [chart["initial"], *chart["steps"]]:
        quirks = record.get("quirks", [])
        if OTHER_ORDER in quirks:
            return
        if "status" not in record:
            yield record, Taken(record["can"], None, None, seen, refused=True)
            continue
        context = record.get("context", context)
        history = record.get("history", history)
        error = record.get("error", error)
        fails = (status, record["status"]) == ("active", "error")
        status = record["status"]
        effects = [action for action in record["actions"] if action["type"] not in (RAISE, CANCEL)]
        timers = [
            timer_of(action)
            for action in record["actions"]
            if action["type"] == CANCEL or (action["type"] == RAISE and "delay" in action)
        ]
        happened = "event" not in record or record["taken"] == 1 or MOVED in quirks or fails
        pending = sorted([timer_of(timer) for timer in record.get("pending", ())], key=exact)
        tasks = sorted(record.get("invokes", ()))
        seen = Seen(record["value"], status, context, record.get("output"), history, error, pending, tasks)
        can = None if is_report(record) else record.get("can")
        yield record, Taken(can, effects if happened else None, timers if happened else None, seen)


def require(what: str, is_: Any, should_be: Any) -> None:
    assert exact(is_) == exact(should_be), f"{what}: {exact(is_)}, in XState {exact(should_be)}"


def follow(chart: Record, take: Taker) -> int:
    """Gives ``take`` one record after the other and compares; answers how many there were."""
    count = 0
    for record, right in expected(chart):
        where = f"{chart['name']}, record {count} ({exact(record.get('event'))}, {sorted(guards_of(record))})"
        taken = take(record)
        require(f"{where}: can", taken.can, right.can)
        require(f"{where}: refused", taken.refused, right.refused)
        require(f"{where}: effects", taken.effects, right.effects)
        require(f"{where}: timers", taken.timers, right.timers)
        for member, is_, should_be in zip(Seen._fields, taken.seen, right.seen, strict=True):
            require(f"{where}: {member}", is_, should_be)
        count += 1
    return count


def loaded(text: bytes | None) -> Any:
    return None if text is None else json.loads(text)


class EngineTaker:
    """The engine as one who takes records: what is stored is all that it knows of the steps before.

    Deadlines and tasks are kept here as a server keeps them; time passes when a record says so. What may be remembered
    (``ask_again`` is false) must not depend on data: the engine is asked with other data too.
    """

    def __init__(self, chart: Record) -> None:
        self.input = json.dumps(chart["input"]).encode() if "input" in chart else None
        text = json.dumps(document_of(chart)).encode()
        self.definition: Definition = compile_document(text, Limits(), Given(input=self.input)).definition
        self.machine = Machine()
        self.first_context: bytes | None = None
        self.empty = chart["config"].get("context") == {}
        self.pending: list[Record] = []
        self.tasks: list[str] = []

    def __call__(self, record: Record) -> Taken:
        can = None
        guards = guards_of(record)
        if "event" in record and not is_report(record):
            name, data = event_of(record)
            given = Given(data=data.encode() if data else None, guards=guards)
            can = self.definition.can(self.machine, name, given)
        try:
            outcome = self.outcome(record, guards)
        except EngineError as error:
            if not ENDLESS.search(str(error)):
                raise
            return Taken(can, None, None, self.seen(), refused=True)
        if outcome is None or outcome == NOT_TAKEN:
            return Taken(can, None, None, self.seen())
        context = self.machine.context if outcome.context is None else outcome.context
        if "event" not in record:
            self.first_context = context
        self.machine = Machine(outcome.configuration, context, outcome.output, outcome.error)
        effects = [effect_of(effect) for effect in outcome.effects]
        timers = [written(timer) for timer in outcome.timers]
        for timer in timers:
            self.note_timer(timer)
        for effect in effects:
            self.note_task(effect)
        if self.seen().status != "active":
            effects += [{"type": STOP, "id": task} for task in self.tasks]
            self.pending, self.tasks = [], []
        return Taken(can, effects, timers, self.seen())

    def outcome(self, record: Record, guards: frozenset[str]) -> Outcome | None:
        if "event" not in record:
            return self.definition.start(Given(input=self.input, guards=guards))
        name, data = event_of(record)
        if "fires" in record:
            at = record.get("at", [timer["id"] for timer in self.pending].index(record["fires"]))
            require("what fires", self.pending.pop(at)["event"], record["event"])
            return self.definition.fire(self.machine, exact(record["event"]).encode(), Given(guards=guards))
        for prefix, member in ((DONE_TASK, "output"), (FAILED_TASK, "error")):
            if name.startswith(prefix):
                task = name.removeprefix(prefix)
                assert (task in self.tasks) != record.get("late", False), task
                result = exact(record["event"][member]).encode() if member in record["event"] else None
                if record.get("late"):
                    return None
                return self.definition.report(self.machine, task, result, prefix == FAILED_TASK, Given(guards=guards))
        given = Given(data=data.encode() if data else None, guards=guards)
        sent = self.definition.send(self.machine, name, given)
        if sent is None or not sent.ask_again:
            other = self.machine._replace(context=self.first_context)
            assert self.definition.send(other, name, given._replace(data=None)) == sent
        return sent

    def note_timer(self, timer: Record) -> None:
        if timer["id"]:
            self.pending = [one for one in self.pending if one["id"] != timer["id"]]
        if timer["type"] == RAISE:
            self.pending.append({member: timer[member] for member in ("id", "event", "delay")})

    def note_task(self, effect: Any) -> None:
        if effect["type"] == SPAWN and effect["id"] not in self.tasks:
            self.tasks.append(effect["id"])
        elif effect["type"] == STOP:
            self.tasks.remove(effect["id"])

    def seen(self) -> Seen:
        machine = self.machine
        head = json.loads(self.definition.head(machine.configuration) + b"}")
        done = self.definition.is_done(machine.configuration)
        status = "error" if machine.error is not None else "done" if done else "active"
        history = history_of(head.get("historyValue"))
        context, output, error = map(loaded, (machine.context, machine.output, machine.error))
        if context is None and self.empty:
            context = {}  # one that nothing assigns to is not kept
        pending, tasks = sorted(self.pending, key=exact), sorted(self.tasks)
        return Seen(head["current"], status, context, output, history, error, pending, tasks)

    def snapshot(self) -> Any:
        return json.loads(self.definition.snapshot(self.machine))


def effect_of(effect: Effect) -> Any:
    """As JSON; what starts or stops a task has its params beside its type, as in the fixtures."""
    made = json.loads(effect_text(effect))
    return {"type": made["type"], **made["params"]} if made["type"] in (SPAWN, STOP) else made


def written(timer: Arm | Cancel) -> Record:
    """As in the fixtures."""
    if isinstance(timer, Cancel):
        return {"type": CANCEL, "id": timer.id}
    return {"type": RAISE, "id": timer.id, "delay": timer.delay, "event": json.loads(timer.event)}
