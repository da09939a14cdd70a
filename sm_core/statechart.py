"""The statechart as a definition: the stepper in chart/, with configurations as the bytes that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .chart import UNSENDABLE, Chart, Configuration, Step, compile_chart, did_you_mean
from .definition import NOTHING_GIVEN, Effect, Given, Machine, Outcome
from .document import Limits, check_size, parse, to_json
from .errors import THIRD_ARGUMENT, DocumentError, quote, type_name

_MOST_NAMED = 3
"""Of the active states, in an error."""


class ChartDefinition:
    """A compiled "states" document; see ``Definition`` for what each method promises.

    Immutable but for what it remembers of the last answer, on one thread.
    """

    __slots__ = ("_context", "_latest", "canonical", "chart", "counts", "keeps", "split")

    def __init__(self, document: dict[str, Any], limits: Limits | None) -> None:
        self.chart: Chart = compile_chart(machine_members(document), limits)
        self.canonical = self.chart.canonical
        self.split = len(self.canonical) - 1
        self.keeps = self.counts = document.get("context") is not None
        self._context = to_json(document["context"]).encode() if self.keeps else None
        self._latest: tuple[bytes, Configuration] | None = None

    def _encode(self, configuration: Configuration) -> bytes:
        """Bytes that are mostly asked about at once: reading and checking them again would take longer than a step."""
        data = self.chart.encode(configuration)
        self._latest = (data, configuration)
        return data

    def _decode(self, data: bytes) -> Configuration:
        if self._latest is None or self._latest[0] != data:
            self._latest = (data, self.chart.decode(data))
        return self._latest[1]

    def _outcome(self, step: Step) -> Outcome:
        return Outcome(self._encode(step.configuration), [Effect(name) for name in step.actions])

    def start(self, given: Given) -> Outcome:
        return self._outcome(self.chart.start())._replace(context=self._context)

    def stand(self, document: dict[str, Any], given: Given) -> Machine:
        return Machine(self._encode(self.chart.stand(document)), self._context)

    def enter(self, current: str, held: Machine | None, limits: Limits | None, given: Given) -> Outcome:
        text = current.encode()
        check_size(text, limits, THIRD_ARGUMENT)
        history = self.chart.history_value(self._decode(held.configuration)) if held else None
        if current == "" and history is None:
            return Outcome(self.start(given)[0], context=self._context)
        value: str | dict[str, Any] = current or {}
        place = THIRD_ARGUMENT
        if current.startswith("{") and current not in self.chart.tables.numbers:
            place = f"{THIRD_ARGUMENT} at $"
            try:
                value = parse(text, limits, with_rows=False)
            except DocumentError as fault:
                raise type(fault)(place + fault.path[1:], fault.fault) from None
        return Outcome(self._encode(self.chart.enter(value, history, place)), context=self._context)

    def mutate(self, machine: Machine, target: str, given: Given) -> Outcome | None:
        step = self.chart.mutate(self._decode(machine.configuration), target)
        return self._outcome(step) if step else None

    def force(self, machine: Machine, target: str, given: Given) -> Outcome | None:
        step = self.chart.force(self._decode(machine.configuration), target)
        return self._outcome(step) if step else None

    def send(self, machine: Machine, event: str, given: Given) -> Outcome | None:
        step = self.chart.step(self._decode(machine.configuration), event)
        return self._outcome(step) if step else None

    def can(self, machine: Machine, event: str, given: Given) -> bool:
        return self.chart.can(self._decode(machine.configuration), event)

    def why(self, machine: Machine, event: str, given: Given) -> list[tuple[str, str]]:
        return []

    def why_not(self, machine: Machine, event: str, given: Given) -> str:
        if self.is_done(machine.configuration):
            return "the machine is done: it takes no event any more, until it is reset or forced"
        if event in UNSENDABLE:
            return f"{quote(event)} is no event that can be sent"
        where = ", ".join(quote(path) for path in self.states(machine.configuration)[:_MOST_NAMED])
        return f"no transition for the event {quote(event)} at {where}{did_you_mean(event, self.next(machine))}"

    def next(self, machine: Machine) -> list[str]:
        return self.chart.next_events(self._decode(machine.configuration))

    def admit_data(self, machine: Machine, limits: Limits) -> Machine:
        return machine

    def admit(self, configuration: bytes, strict: bool) -> bytes:
        return self._encode(self.chart.decode(configuration))

    def head(self, configuration: bytes) -> bytes:
        where = self._decode(configuration)
        head = '{"current":' + to_json(self.chart.state_value(where))
        history = self.chart.history_value(where)
        if history is not None:
            head += ',"historyValue":' + to_json(history)
        return head.encode()

    def states(self, configuration: bytes) -> Sequence[str]:
        return self.chart.active(self._decode(configuration))

    def current(self, configuration: bytes) -> str:
        value = self.chart.state_value(self._decode(configuration))
        return value if isinstance(value, str) else to_json(value)

    def is_done(self, configuration: bytes) -> bool:
        return self.chart.status(self._decode(configuration)) == "done"

    def snapshot(self, machine: Machine) -> str:
        return "{}"

    @property
    def initial(self) -> str:
        return self.current(self.start(NOTHING_GIVEN)[0])

    @property
    def rows(self) -> Sequence[str]:
        return self.chart.paths

    @property
    def known(self) -> Sequence[str]:
        return self.chart.paths


def machine_members(document: dict[str, Any]) -> dict[str, Any]:
    """A "states" document without ``reason``, which XState does not know. Raises DocumentError."""
    if not isinstance(document.get("reason", ""), str):
        raise DocumentError("$.reason", f"expected a string, got {type_name(document['reason'])}")
    return {name: document[name] for name in document if name != "reason"}
