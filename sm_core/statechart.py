"""The statechart as a definition: the stepper in chart/, with configurations as the bytes that are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .arguments import check_guards, check_object, event_of, read_object, read_value, stored_json
from .chart import (
    DONE_TASK,
    FAILED_TASK,
    UNSENDABLE,
    Chart,
    Configuration,
    Data,
    Plan,
    Step,
    compile_chart,
    did_you_mean,
    kept_json,
    make_plan,
    take,
    why,
)
from .definition import NOT_TAKEN, NOTHING_GIVEN, Given, Machine, NoParams, Outcome, made
from .document import Limits, check_size, parse, read_json, to_json
from .errors import THIRD_ARGUMENT, DocumentError, EngineError, GuardError, quote, type_name
from .store import store_of

_MOST_GUARDS = 8
"""Of the client's, in an error."""
_MOST_NAMED = 3
"""Of the active states, in an error."""
_STATUS = ("active", "done", "error")
_MOST_PLANS = 256
_MOST_LEADS = 1024
"""Of all plans together: each is half a kilobyte, of which no limit of documents knows."""
_LONGEST_PLANNED = 64
"""Characters of an event's name."""
REPORTS = (DONE_TASK, FAILED_TASK)
"""How events begin that only the end of a task gives."""


class ChartDefinition:
    """A compiled "states" document; see ``Definition`` for what each method promises.

    Immutable but for what it remembers of the last answer, on one thread.
    """

    __slots__ = (
        *("_latest", "_leads", "_plans", "asks", "canonical", "chart", "counts", "has_context", "keeps", "store"),
        *("split", "waits"),
    )

    nests = True

    def __init__(self, document: dict[str, Any], limits: Limits | None) -> None:
        self.chart: Chart = compile_chart(machine_members(document), limits)
        self.canonical = self.chart.canonical
        self.split = len(self.canonical) - 1
        tables = self.chart.tables
        self.has_context = tables.keeps_context
        self.waits = tables.has_waits
        self.store = store_of(document, limits)
        self.keeps = self.has_context or self.waits or 0 in tables.outputs
        self.counts = self.has_context or self.waits or isinstance(document.get("store"), dict)
        self.asks = tables.has_guards
        """Whether a start may depend on more than the document."""
        self._latest: tuple[bytes, Configuration] | None = None
        self._plans: dict[tuple[bytes, str], Plan | None] = {}
        self._leads = 0

    def _encode(self, configuration: Configuration) -> bytes:
        """Bytes that are mostly asked about at once: reading and checking them again would take longer than a step."""
        data = self.chart.encode(configuration)
        self._latest = (data, configuration)
        return data

    def _decode(self, data: bytes) -> Configuration:
        if self._latest is None or self._latest[0] != data:
            self._latest = (data, self.chart.decode(data))
        return self._latest[1]

    # Steps

    def _data(self, machine: Machine | None, event: str, given: Given) -> Data:
        """What the expressions of a step see. Raises DocumentError, EngineError for what is given wrongly."""
        tables = self.chart.tables
        if given.guards is not None:
            check_guards(tables, given.guards)
        said = event_of(event, given.data, given.limits)
        if machine is not None:
            return Data(tables, machine.context, said, given.guards, given.now, given.limits)
        data = Data(tables, None, said, given.guards, given.now, given.limits)
        if given.input is not None:
            data.input = read_object(given.input, given.limits, "INPUT")
        if tables.context is not None:
            context = tables.context.value(data)
            data.context = {} if context is None else context
        return data

    def _taken(self, step: Step | None, data: Data, target: bytes | None = None) -> Outcome | None:
        """The outcome of a step; ``target`` is its configuration as bytes where that is known already."""
        if step is None:
            return NOT_TAKEN if data.touched else None
        configuration, effects, said, timers = step
        context, changes = (None, None) if data.changed is None else data.new_context(data.changed)
        output = None if said is NoParams else kept_json(said, data.limits, "output")
        if target is None:
            target = self._encode(configuration)
        ask_again = data.touched or output is not None
        return made(Outcome, (target, effects, ask_again, context, changes, output, None, timers))

    def _step(
        self,
        step: Callable[[], Step | None],
        data: Data,
        where: Configuration | None,
        event: str = "",
        path: str | None = None,
    ) -> Outcome | None:
        try:
            return self._taken(step(), data)
        except GuardError:
            pass
        raise GuardError(self._unsaid(where, event, path))

    def _unsaid(self, where: Configuration | None, event: str, path: str | None = None) -> str:
        """What the client has to say: which of its guards ``event``, or a move to ``path``, may ask for."""
        names = self.chart.asked_guards(where, event, path)
        quoted = ", ".join(map(quote, names[:_MOST_GUARDS]))
        more = f" and {len(names) - _MOST_GUARDS} more" if len(names) > _MOST_GUARDS else ""
        what = f"the client decides {quoted}{more}"
        return f"{what}: say which hold with GUARDS count name ..., or GUARDS 0 where none does"

    def start(self, given: Given) -> Outcome:
        data = self._data(None, "xstate.init", given)
        outcome = self._step(lambda: self.chart.start(data), data, None)
        assert outcome is not None, "a start leads somewhere"
        if not self.has_context:
            return outcome
        context = outcome.context or kept_json(data.context, given.limits, "context")
        return outcome._replace(ask_again=True, context=context, changes=None)

    def mutate(self, machine: Machine, target: str, given: Given) -> Outcome | None:
        if machine.error is not None:
            return None
        where = self._decode(machine.configuration)
        data = self._data(machine, "", given)
        return self._step(lambda: self.chart.mutate(where, target, data), data, where, path=target)

    def force(self, machine: Machine, target: str, given: Given) -> Outcome | None:
        where = self._decode(machine.configuration)
        data = self._data(machine, "xstate.force", given)
        failed = machine.error is not None
        return self._step(lambda: self.chart.force(where, target, data, failed), data, None)

    def send(self, machine: Machine, event: str, given: Given) -> Outcome | None:
        configuration, context, _, error = machine
        if error is None:
            return self.give(configuration, context, event, given.data, given.guards, given.now, given.limits)
        self._asked(machine, event, given)  # refuses what is given wrongly
        return None

    def give(
        self,
        configuration: bytes,
        context: bytes | None,
        event: str,
        text: bytes | None,
        guards: frozenset[str] | None,
        now: int,
        limits: Limits,
    ) -> Outcome | None:
        try:
            plan = self._plans[configuration, event]
        except KeyError:
            plan = self._plan(configuration, event)
        if plan is None:
            return self._send(Machine(configuration, context), event, Given(text, guards, None, now, limits))
        tables = self.chart.tables
        if guards is not None:
            check_guards(tables, guards)
        data = Data(tables, context, event_of(event, text, limits), guards, now, limits)
        try:
            step, target = take(tables, plan, data)
        except GuardError:
            pass
        else:
            return self._taken(step, data, target)
        raise GuardError(self._unsaid(self._decode(configuration), event))

    def _send(self, machine: Machine, event: str, given: Given) -> Outcome | None:
        """Without a plan."""
        data = self._asked(machine, event, given)
        if event in UNSENDABLE:
            return None
        where = self._decode(machine.configuration)
        return self._step(lambda: self.chart.step(where, event, data), data, where, event)

    def _plan(self, where: bytes, event: str) -> Plan | None:
        """What an event may lead to, where that is asked for again and again: where it depends on data."""
        key = (where, event)
        tables = self.chart.tables
        if len(event) > _LONGEST_PLANNED or not (tables.has_guards or tables.keeps_context):
            return None
        if event in UNSENDABLE or event.startswith(REPORTS):
            return None
        plan = make_plan(tables, self._decode(where), event)
        self._leads += len(plan.leads) if plan else 0
        if len(self._plans) >= _MOST_PLANS or self._leads > _MOST_LEADS:
            self._plans.clear()
            self._leads = len(plan.leads) if plan else 0
        self._plans[key] = plan
        return plan

    def fire(self, machine: Machine, event: bytes, given: Given) -> Outcome | None:
        try:
            said = read_json(event)
        except ValueError:
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("type"), str):
            raise EngineError("what the deadline gives is no event")
        return self._told(machine, said, given)

    def report(self, machine: Machine, task: str, result: bytes | None, failed: bool, given: Given) -> Outcome | None:
        name = (FAILED_TASK if failed else DONE_TASK) + task
        event = {"type": name}
        if result is not None:
            event["error" if failed else "output"] = read_value(result, given.limits, "the result")
        if failed and machine.error is None:
            data = self._data_of(machine, event, given)
            where = self._decode(machine.configuration)
            if self._heard(where, name, data):
                return self._told(machine, event, given)
            error = to_json(event.get("error")).encode()
            return Outcome(machine.configuration, (), True, error=error)
        return self._told(machine, event, given)

    def _heard(self, where: Configuration, event: str, data: Data) -> bool:
        try:
            return self.chart.is_heard(where, event, data)
        except GuardError:
            pass
        raise GuardError(self._unsaid(where, event))

    def _told(self, machine: Machine, event: dict[str, Any], given: Given) -> Outcome | None:
        """Gives the machine an event that no client sends."""
        if machine.error is not None:
            return None
        data = self._data_of(machine, event, given)
        where = self._decode(machine.configuration)
        name: str = event["type"]
        return self._step(lambda: self.chart.step(where, name, data), data, where, name)

    def _data_of(self, machine: Machine, event: dict[str, Any], given: Given) -> Data:
        if given.guards is not None:
            check_guards(self.chart.tables, given.guards)
        return Data(self.chart.tables, machine.context, event, given.guards, given.now, given.limits)

    def _asked(self, machine: Machine, event: str, given: Given) -> Data:
        if event.startswith(REPORTS):
            raise EngineError(f"{quote(event)} says how a task ended: no client can send it")
        return self._data(machine, event, given)

    # Questions

    def can(self, machine: Machine, event: str, given: Given) -> bool:
        data = self._asked(machine, event, given)
        if machine.error is not None:
            return False
        try:
            return self.chart.can(self._decode(machine.configuration), event, data)
        except GuardError:
            pass
        raise GuardError(self._unsaid(self._decode(machine.configuration), event))

    def why(self, machine: Machine, event: str, given: Given) -> list[tuple[str, str]]:
        data = self._asked(machine, event, given)
        if machine.error is not None or event in UNSENDABLE or self.is_done(machine.configuration):
            return []
        return why(self.chart.tables, self._decode(machine.configuration), event, data)

    def why_not(self, machine: Machine, event: str, given: Given) -> str:
        if machine.error is not None:
            return "the machine's status is error: it takes no event any more, until it is reset or forced"
        if self.is_done(machine.configuration):
            return "the machine is done: it takes no event any more, until it is reset or forced"
        if event in UNSENDABLE:
            return f"{quote(event)} is no event that can be sent"
        verdicts = [verdict for _, verdict in self.why(machine, event, given)]
        if verdicts:
            return f"the event {quote(event)} is not taken: {', '.join(dict.fromkeys(verdicts[:_MOST_NAMED]))}"
        where = ", ".join(quote(path) for path in self.states(machine.configuration)[:_MOST_NAMED])
        return f"no transition for the event {quote(event)} at {where}{did_you_mean(event, self.next(machine))}"

    def next(self, machine: Machine) -> list[str]:
        if machine.error is not None:
            return []
        return self.chart.next_events(self._decode(machine.configuration))

    # Where a machine stands

    def stand(self, document: dict[str, Any], given: Given) -> Machine:
        """The machine that a document says, which says where it stands. Raises EngineError."""
        self._check(given)
        said = document.get("snapshot")
        if said is None:
            return self._machine(self.chart.stand(document), given)
        snapshot = check_object(said, "$.snapshot")
        current, place = document.get("current"), "$.current"
        if current is None or current == "":
            current, place = snapshot.get("value"), "$.snapshot.value"
        history = document.get("historyValue") or snapshot.get("historyValue") or None
        if (current is None or current == "") and history is None:
            configuration = self.chart.stand({})
        else:
            configuration = self.chart.enter({} if current is None or current == "" else current, history, place)
        return self._restored(configuration, snapshot, given)

    def _restored(self, configuration: Configuration, snapshot: dict[str, Any], given: Given) -> Machine:
        """A machine that keeps what a snapshot says, XState's or that of SM.GET."""
        status = snapshot.get("status", "active")
        if status not in _STATUS:
            what = quote(status) if isinstance(status, str) else type_name(status)
            raise DocumentError("$.snapshot.status", f"expected one of {', '.join(_STATUS)}, got {what}")
        done = self.chart.status(configuration) == "done"
        if status != "error" and done != (status == "done"):
            raise DocumentError("$.snapshot.status", f"the machine is {'done' if done else 'active'} where it stands")
        context = snapshot.get("context")
        if not self.has_context and context:
            raise DocumentError("$.snapshot.context", "the document has no context, and assigns to none")
        machine = self._machine(configuration, given) if self.has_context and context is None else Machine(b"")
        if self.has_context and context is not None:
            self._check_context(context, "$.snapshot.context")
            machine = Machine(b"", kept_json(context, given.limits, "context"))
        has_output = "output" in snapshot and done and self.keeps
        return Machine(
            self._encode(configuration),
            machine.context,
            kept_json(snapshot["output"], given.limits, "output") if has_output else None,
            kept_json(snapshot.get("error"), given.limits, "error") if status == "error" else None,
        )

    def _check_context(self, context: object, path: str) -> None:
        if self.chart.assigns and not isinstance(context, dict):
            raise DocumentError(path, f"expected an object, got {type_name(context)}")

    def _machine(self, configuration: Configuration, given: Given) -> Machine:
        """A machine that stands somewhere, and keeps what it does at a start."""
        if not self.keeps:
            return Machine(self._encode(configuration))
        data = self._data(None, "xstate.init", given)
        output = self.chart.output_at(configuration, data)
        context = kept_json(data.context, given.limits, "context") if self.has_context else None
        kept = None if output is NoParams else kept_json(output, given.limits, "output")
        return Machine(self._encode(configuration), context, kept)

    def enter(self, current: str, held: Machine | None, limits: Limits | None, given: Given) -> Outcome:
        text = current.encode()
        check_size(text, limits, THIRD_ARGUMENT)
        history = self.chart.history_value(self._decode(held.configuration)) if held else None
        if current == "" and history is None:
            return self.start(given)._replace(effects=())
        self._check(given)
        configuration = self._named(current, text, history, limits)
        if held is not None and held.context is not None:
            machine = Machine(self._encode(configuration), held.context)
        else:
            machine = self._machine(configuration, given)
        return self.waiting_at(machine, given)

    def waiting_at(self, machine: Machine, given: Given) -> Outcome:
        """A machine that is put where it stands: the deadlines of its active states are armed, their tasks started."""
        if not self.waits:
            return Outcome(machine.configuration, (), self.keeps, machine.context, None, machine.output)
        data = self._data_of(machine, {"type": "xstate.init"}, given)
        step = self.chart.waits_at(self._decode(machine.configuration), data)
        return Outcome(
            machine.configuration, step.effects, True, machine.context, None, machine.output, timers=step.timers
        )

    def _check(self, given: Given) -> None:
        """Refuses what is given wrongly, though it is not asked for."""
        if given.guards is not None:
            check_guards(self.chart.tables, given.guards)
        if given.input is not None:
            read_object(given.input, given.limits, "INPUT")

    def _named(self, current: str, text: bytes, history: object, limits: Limits | None) -> Configuration:
        value: str | dict[str, Any] = current or {}
        place = THIRD_ARGUMENT
        if current.startswith("{") and current not in self.chart.tables.numbers:
            place = f"{THIRD_ARGUMENT} at $"
            try:
                value = parse(text, limits, with_rows=False)
            except DocumentError as fault:
                path, why_not, kind = fault.path, fault.fault, type(fault)
            else:
                return self.chart.enter(value, history, place)
            raise kind(place + path[1:], why_not)
        return self.chart.enter(value, history, place)

    def admit(self, configuration: bytes, strict: bool) -> bytes:
        return self._encode(self.chart.decode(configuration))

    def admit_data(self, machine: Machine, limits: Limits) -> Machine:
        if (machine.context is not None) != self.has_context:
            raise DocumentError("context", "it has none" if self.has_context else "the document has none")
        context, output, error = [
            None if text is None else stored_json(text, limits, word)
            for word, text in (("context", machine.context), ("output", machine.output), ("error", machine.error))
        ]
        if self.chart.assigns and context is not None and context[:1] != b"{":
            raise DocumentError("context", "expected an object")
        if output is not None and not self.is_done(machine.configuration):
            raise DocumentError("output", "the machine is not done where it stands")
        return Machine(machine.configuration, context, output, error)

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
        where = self._decode(machine.configuration)
        status = "error" if machine.error is not None else self.chart.status(where)
        parts = [f'"status":"{status}"']
        for word, text in (("output", machine.output), ("error", machine.error)):
            if text is not None:
                parts.append(f'"{word}":{text.decode()}')
        parts.append(f'"value":{to_json(self.chart.state_value(where))}')
        parts.append(f'"historyValue":{to_json(self.chart.history_value(where) or {})}')
        parts.append(f'"context":{machine.context.decode() if machine.context is not None else "{}"}')
        parts.append('"children":{}')
        return "{" + ",".join(parts) + "}"

    @property
    def initial(self) -> str:
        try:
            return self.current(self.start(NOTHING_GIVEN).configuration)
        except EngineError:  # it wants INPUT or GUARDS
            pass
        return self.current(self._encode(self.chart.start().configuration))

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
