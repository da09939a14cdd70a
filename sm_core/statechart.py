"""The statechart as a definition: the stepper in chart/, with configurations as the bytes that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .chart import Chart, Step, compile_chart
from .definition import Move
from .document import Limits, parse, to_json
from .errors import DocumentError, type_name

_BYTES_PER_STATE = 1500
"""What a state's tables and transitions hold, about."""


class ChartDefinition:
    """A compiled "states" document; see ``Definition`` for what each method promises."""

    __slots__ = ("_chart", "canonical", "footprint", "split")

    def __init__(self, document: dict[str, Any], limits: Limits | None) -> None:
        if not isinstance(document.get("reason", ""), str):
            raise DocumentError("$.reason", f"expected a string, got {type_name(document['reason'])}")
        self._chart: Chart = compile_chart({name: document[name] for name in document if name != "reason"}, limits)
        self.canonical = self._chart.canonical
        self.split = len(self.canonical) - 1
        self.footprint = _BYTES_PER_STATE * len(self._chart.paths) + 4 * len(self.canonical)

    def _move(self, step: Step | None) -> Move | None:
        return None if step is None else (self._chart.encode(step.configuration), step.actions)

    def start(self) -> Move:
        step = self._chart.start()
        return self._chart.encode(step.configuration), step.actions

    def stand(self, document: dict[str, Any]) -> bytes:
        current, history = document.get("current", ""), document.get("historyValue")
        if current == "" and history is None:
            return self.start()[0]
        return self._chart.encode(self._chart.enter(current, history))

    def enter(self, current: str) -> bytes:
        if not current:
            return self.start()[0]
        value: str | dict[str, Any] = current
        if current.startswith("{") and current not in self._chart.paths:
            value = parse(current.encode(), None)
        return self._chart.encode(self._chart.enter(value))

    def mutate(self, configuration: bytes, target: str) -> Move | None:
        return self._move(self._chart.mutate(self._chart.decode(configuration), target))

    def force(self, configuration: bytes, target: str) -> Move | None:
        return self._move(self._chart.force(self._chart.decode(configuration), target))

    def send(self, configuration: bytes, event: str) -> Move | None:
        return self._move(self._chart.step(self._chart.decode(configuration), event))

    def next(self, configuration: bytes) -> list[str]:
        return self._chart.next_events(self._chart.decode(configuration))

    def admit(self, configuration: bytes, strict: bool) -> bytes:
        return self._chart.encode(self._chart.decode(configuration))

    def head(self, configuration: bytes) -> bytes:
        where = self._chart.decode(configuration)
        head = '{"current":' + to_json(self._chart.state_value(where))
        history = self._chart.history_value(where)
        if history is not None:
            head += ',"historyValue":' + to_json(history)
        return head.encode()

    def states(self, configuration: bytes) -> Sequence[str]:
        return self._chart.active(self._chart.decode(configuration))

    def current(self, configuration: bytes) -> str:
        value = self._chart.state_value(self._chart.decode(configuration))
        return value if isinstance(value, str) else to_json(value)

    @property
    def initial(self) -> str:
        return self.current(self.start()[0])

    @property
    def rows(self) -> Sequence[str]:
        return self._chart.paths

    @property
    def known(self) -> Sequence[str]:
        return self._chart.paths
