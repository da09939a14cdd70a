"""Follows a chart with data, step by step, through what the real XState did with it: a fixture's records.

What answers is anything that can be asked for one record at a time: the engine (EngineTaker), or a server.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sm_core import NOT_TAKEN, Definition, EngineError, Given, Limits, Machine, Outcome, compile_document

XSTATE = Path(__file__).parent / "xstate"

Record = dict[str, Any]

MOVED = "moved-without-transition"
"""XState's transition() was given an event that no transition takes, and yet an ``always`` did something."""
RAN_AGAIN = "ran-again"
"""Likewise, but all that happened is that an ``always`` without a target ran its effects; here it does not."""
OTHER_ORDER = "always-order"
"""XState asks several ``always`` in the order in which their states were entered; here it is the document's."""


ENDLESS = re.compile("do not end|options.maxIterations|max-expression-steps|nested more than")
"""In what is said of a step that does not end: which bound it comes to first is not XState's."""


class Seen(NamedTuple):
    """A machine after a step, and what the step asked for. Absent members are None, as JSON texts are."""

    value: Any
    status: str
    context: Any
    output: Any
    history: dict[str, list[str]]


class Taken(NamedTuple):
    """What the one who was asked did with a record."""

    can: bool | None
    """Before the step; None where there was no event."""
    effects: list[Any] | None
    """As JSON values; None: nothing happened at all."""
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


def expected(chart: Record) -> Iterator[tuple[Record, Taken]]:
    """Each record of a chart with what has to come of it, as far as XState's order is the document's."""
    context = chart["config"].get("context")
    history: dict[str, list[str]] = {}
    seen = Seen(None, "", None, None, history)
    for record in [chart["initial"], *chart["steps"]]:
        quirks = record.get("quirks", [])
        if OTHER_ORDER in quirks:
            return
        if record.get("error"):
            yield record, Taken(record["can"], None, seen, refused=True)
            continue
        context = record.get("context", context)
        history = record.get("history", history)
        happened = "event" not in record or record["taken"] == 1 or MOVED in quirks
        seen = Seen(record["value"], record["status"], context, record.get("output"), history)
        yield record, Taken(record.get("can"), record["actions"] if happened else None, seen)


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
        for member, is_, should_be in zip(Seen._fields, taken.seen, right.seen, strict=True):
            require(f"{where}: {member}", is_, should_be)
        count += 1
    return count


def loaded(text: bytes | None) -> Any:
    return None if text is None else json.loads(text)


class EngineTaker:
    """The engine as one who takes records: what is stored is all that it knows of the steps before.

    What may be remembered (``ask_again`` is false) must not depend on data: the engine is asked with other data too.
    """

    def __init__(self, chart: Record) -> None:
        self.input = json.dumps(chart["input"]).encode() if "input" in chart else None
        text = json.dumps(document_of(chart)).encode()
        self.definition: Definition = compile_document(text, Limits(), Given(input=self.input)).definition
        self.machine = Machine()
        self.first_context: bytes | None = None
        self.empty = chart["config"].get("context") == {}

    def __call__(self, record: Record) -> Taken:
        guards = guards_of(record)
        if "event" not in record:
            outcome = self.definition.start(Given(input=self.input, guards=guards))
            self.first_context = outcome.context
            return Taken(None, self.store(outcome), self.seen())
        name, data = event_of(record)
        given = Given(data=data.encode() if data else None, guards=guards)
        can = self.definition.can(self.machine, name, given)
        try:
            sent = self.definition.send(self.machine, name, given)
        except EngineError as error:
            if not ENDLESS.search(str(error)):
                raise
            return Taken(can, None, self.seen(), refused=True)
        if sent is None or not sent.ask_again:
            other = self.machine._replace(context=self.first_context)
            assert self.definition.send(other, name, Given(guards=guards)) == sent
        return Taken(can, None if sent is None or sent == NOT_TAKEN else self.store(sent), self.seen())

    def store(self, outcome: Outcome) -> list[Any]:
        """Stores what a step led to; answers its effects."""
        context = self.machine.context if outcome.context is None else outcome.context
        self.machine = Machine(outcome.configuration, context, outcome.output, outcome.error)
        return [json.loads(effect.text()) for effect in outcome.effects]

    def seen(self) -> Seen:
        machine = self.machine
        head = json.loads(self.definition.head(machine.configuration) + b"}")
        done = self.definition.is_done(machine.configuration)
        status = "error" if machine.error is not None else "done" if done else "active"
        history = history_of(head.get("historyValue"))
        context = loaded(machine.context)
        if context is None and self.empty:
            context = {}  # one that nothing assigns to is not kept
        return Seen(head["current"], status, context, loaded(machine.output), history)

    def snapshot(self) -> Any:
        return json.loads(self.definition.snapshot(self.machine))

