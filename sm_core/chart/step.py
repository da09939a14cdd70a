"""One event's work: from a configuration to the next, with the actions to run.

The algorithm is that of the W3C recommendation "State Chart XML (SCXML)", appendix "Algorithm for SCXML
Interpretation", with what XState 5 does otherwise (its ``transition()``; version 5.33 was read and run):

- A transition does not leave its source when its targets lie inside it, unless it says ``reenter``.
- The domain of a transition is the innermost common ancestor of any type, a parallel state included.
- An event is offered to a parallel state only when no state inside it has taken it. (SCXML asks for each
  atomic state alone, and then removes what conflicts.) Transitions without an event follow SCXML.
- Descriptors of one state: exact, then partial (``a.*``), the longest first, then ``*``.
- Transitions without an event are asked for again only after a step that changed something, so that one
  without a target or an assignment runs once.
- Guards see the context from before a microstep; actions run one after the other, and each sees what the one before it
  assigned. The event that both see is that of the microstep, a raised or done event among them.
- A parallel state reports that it is done along with its parents when these are parallel; when the top level
  is done, the exit actions of all active states run, innermost first, and they stay active.
- Initial actions run for states entered as a target or by default, not for regions that are entered because
  another region of the same parallel state was a target.

One thing is SCXML's and not XState's, because an answer may depend on nothing but the configuration: atomic
states are asked for their transitions without an event in document order. (XState asks in the order in which
they were last entered, which it forgets itself when a snapshot is stored.)
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Any

from ..definition import Arm, Cancel, Effect, NoParams
from ..errors import EngineError, quote
from .actions import CHARACTERS, Actions
from .circle import Circle
from .data import Data
from .entry import Entry, domain, effective_targets
from .model import (
    COMPOUND,
    DONE_EVENT,
    FINAL,
    NO_STATE,
    PARALLEL,
    Configuration,
    Step,
    Tables,
    Transition,
    ascending,
    descending,
    span,
)
from .select import asked, select, select_always
from .short import Short, short_step

MOST_WORK = 50_000
"""How much one event may cause: transitions, states that are asked, left, entered and held by history, actions. A chain
of transitions without an event is cut off there, which takes some 50 ms."""

WORK_PER_SIZE = 12
"""A large chart may do so much more in a step: this for each unit of its size."""

_MICROSTEP = 8
_TRANSITION = 8
"""What a microstep and each of its transitions cost by themselves, in units of work."""

_MOST_NAMES = 8
"""States that an error names."""


def is_complete(tables: Tables, active: int, state: int) -> bool:
    """Is ``state`` done: a final child active, or every region done?"""
    return first_incomplete(tables, active, state)[0] == NO_STATE


def first_incomplete(tables: Tables, active: int, state: int) -> tuple[int, int]:
    """A state at or inside ``state`` that is not done yet, or NO_STATE; and how many were looked at."""
    pending = [state]
    work = 0
    while pending:
        state = pending.pop()
        work += 1
        kind = tables.kinds[state]
        if kind == COMPOUND:
            if not active & tables.finals[state]:
                return state, work
        elif kind == PARALLEL:
            pending.extend(tables.children[state])
        elif kind != FINAL:
            return state, work
    return NO_STATE, work


Taking = tuple[Transition, int, int]
"""A transition to take, its domain, and the active states that it leaves."""


class Macrostep:
    """The work of one event, from the transitions it enables until nothing more happens by itself.

    It is private to one call: what it changes is its own, and the result is taken from it at the end.
    """

    __slots__ = ("active", "data", "done", "effects", "history", "most", "output", "queue", "recent", "tables",
                 "timers", "work")  # fmt: skip

    def __init__(self, tables: Tables, configuration: Configuration, data: Data | None) -> None:
        """Without ``data`` guards are not asked and actions that need some are passed over."""
        self.tables = tables
        self.active = configuration.active
        self.history = dict(configuration.history)
        self.data = data
        self.effects: list[Effect] = []
        self.timers: list[Arm | Cancel] = []
        self.queue: deque[dict[str, Any]] = deque()
        self.output: object = NoParams
        self.done = False
        self.work = 0
        self.most = max(MOST_WORK, WORK_PER_SIZE * tables.size)
        self.recent: dict[int, None] = {}

    def result(self) -> Step:
        """What has come of it. Raises EngineError where that is too much to write down."""
        ids = self.tables.ids
        for states in self.history.values():
            self.spend(states.bit_count())
            self.spend(sum([len(ids[state]) for state in ascending(states)]) // CHARACTERS)
        return Step(self.configuration(), tuple(self.effects), self.output, tuple(self.timers))

    def configuration(self) -> Configuration:
        return Configuration(self.active, tuple(sorted(self.history.items())))

    def take(self, transitions: list[Transition]) -> bool:
        """One microstep. Answers whether the active states or a history value changed."""
        plans = []
        left = 0
        conflict = False
        for transition in transitions:
            top, leaves = NO_STATE, 0
            if transition.targets:
                top = self.resolve(transition)[1] if transition.domain is None else transition.domain
                leaves = self.inside(top)
                conflict = conflict or bool(left & leaves)
                left |= leaves
            plans.append((transition, top, leaves))
        if conflict:
            plans = self.without_conflicts(plans)
            left = 0
            for _, _, leaves in plans:
                left |= leaves
        before = self.active
        changed = self.data.changed if self.data else None
        recorded = self.leave(left) if left else False
        entry = Entry(self.tables, self.history, self.active)
        for transition, top, _ in plans:
            self.act(transition.actions)
            if transition.targets:
                # Resolved anew: a history state may hold now what was just left. XState enters in the new domain even
                # when it was left as well, and what it ends in is no configuration then.
                targets, domain = self.resolve(transition)
                if not self.holds(domain):
                    domain = top
                if self.holds(domain):
                    entry.add(transition, targets, domain)
        self.spend(_MICROSTEP + _TRANSITION * len(plans) + entry.work)
        self.enter(entry)
        if self.data is not None and self.data.changed is not changed:
            return True
        return recorded or self.done or self.active != before

    def act(self, actions: Actions) -> None:
        """Runs actions."""
        if actions.effects is None:
            for action in actions.items:
                action.run(self)
        elif actions.effects:
            self.spend(actions.cost)
            self.effects += actions.effects

    def spend(self, work: int) -> None:
        """Counts work. Raises EngineError where it is more than one event may cause."""
        self.work += work
        if self.work > self.most:
            raise EngineError(
                f"one event may cause {self.most} units of work (transitions, actions, states left and entered), and "
                f"this one causes more{self.names()}"
            )

    def names(self) -> str:
        """Where it was at last, as the end of an error."""
        if not self.recent:
            return ""
        quoted = [quote(self.tables.paths[state]) for state in islice(self.recent, _MOST_NAMES)]
        more = len(self.recent) - len(quoted)
        return f", at {', '.join(quoted)}" + (f" and {more} more" if more else "")

    def resolve(self, transition: Transition) -> tuple[list[int], int]:
        """The effective targets and the domain of a transition that has targets."""
        assert transition.targets is not None
        if transition.domain is not None:
            return list(transition.targets), transition.domain
        targets = effective_targets(self.tables, transition.targets, self.history)
        return targets, domain(self.tables, transition, targets)

    def inside(self, top: int) -> int:
        """The active states that a transition with the domain ``top`` leaves."""
        return self.active if top == NO_STATE else self.active & span(top + 1, self.tables.ends[top])

    def holds(self, domain: int) -> bool:
        """Is the domain still active, or is it outside the root?"""
        return domain == NO_STATE or bool(self.active >> domain & 1)

    def without_conflicts(self, plans: list[Taking]) -> list[Taking]:
        """Of transitions that would leave the same state, the one from further inside, else the first, stays."""
        kept: list[Taking] = []
        left = 0
        for plan in plans:
            if not plan[2] & left:
                kept.append(plan)
                left |= plan[2]
                continue
            source = plan[0].source
            outer = []
            for other in kept:
                if plan[2] & other[2]:
                    if not other[0].source < source < self.tables.ends[other[0].source]:
                        break
                    outer.append(other)
            else:
                kept = [other for other in kept if other not in outer]
                kept.append(plan)
                left |= plan[2]
        return kept

    def leave(self, states: int) -> bool:
        """Leaves ``states``, innermost first. Answers whether a history state was given a value."""
        tables = self.tables
        recorded = {}
        self.spend(states.bit_count())
        for state in descending(states):
            if tables.histories[state]:
                recorded.update(self.record(state))
            self.act(tables.exit[state])
            self.act(tables.stops[state])
        self.active &= ~states
        self.history.update(recorded)
        return bool(recorded)

    def record(self, state: int) -> dict[int, int]:
        """What the history states of ``state`` hold from now on."""
        tables = self.tables
        inside = self.active & span(state + 1, tables.ends[state])
        leaves = inside & tables.leaves
        self.spend(inside.bit_count())
        children = 0
        for child in tables.children[state]:
            if inside >> child & 1:
                children |= 1 << child
        histories = tables.histories[state]
        self.spend(len(histories) + len(tables.children[state]))
        return {history: leaves if tables.deep[history] else children for history in histories}

    def enter(self, entry: Entry) -> None:
        """Enters the states of ``entry`` in document order, and notes what is done by that."""
        tables = self.tables
        waiting: dict[int, int] = {}
        self.spend(entry.enter.bit_count())
        for state in ascending(entry.enter):
            self.active |= 1 << state
            self.act(tables.entry[state])
            if entry.by_default >> state & 1:
                self.act(tables.initial_actions[state])
            if tables.kinds[state] == FINAL:
                self.report_done(state, waiting)
        if self.done:
            for state in descending(self.active):
                self.act(tables.exit[state])

    def report_done(self, final: int, waiting: dict[int, int]) -> None:
        """Queues the done events that entering the state ``final`` causes."""
        tables = self.tables
        parent = tables.parents[final]
        ancestor = parent
        last = ancestor if tables.kinds[parent] == PARALLEL else final
        if tables.kinds[parent] == COMPOUND:
            if parent:  # that the root is done is heard by nobody
                self.queue.append(self.done_event(parent, final))
            ancestor = tables.parents[parent]
        while ancestor != NO_STATE and tables.kinds[ancestor] == PARALLEL and self.completes(ancestor, waiting):
            self.queue.append(self.done_event(ancestor, NO_STATE))
            last = ancestor
            ancestor = tables.parents[ancestor]
        if ancestor == NO_STATE:
            self.done = True
            self.finish(last)

    def done_event(self, state: int, final: int) -> dict[str, Any]:
        """The event that ``state`` is done, with the output of the state ``final`` where there is one."""
        event: dict[str, Any] = {"type": DONE_EVENT + self.tables.ids[state]}
        template = self.tables.outputs.get(final) if final > 0 else None
        if template is not None and self.data is not None:
            self.data.params = NoParams
            event["output"] = template.value(self.data)
            self.spend(template.cost)
        return event

    def finish(self, last: int) -> None:
        """The machine is done by the state ``last``: its output is worked out."""
        template = self.tables.outputs.get(0)
        if template is None or self.data is None:
            return
        event = self.data.event
        self.data.event = self.done_event(last, last)
        self.output = template.value(self.data)
        self.data.touched = True
        self.data.event = event

    def completes(self, parallel: int, waiting: dict[int, int]) -> bool:
        """Is the parallel state done now, and was not before?

        ``waiting``: the state for which each parallel one was seen to wait (NO_STATE: it was done). While that is
        so, the others need not be looked at: thousands of regions may be done one after the other.
        """
        awaited = waiting.get(parallel, parallel)
        if awaited == NO_STATE:
            return False
        if awaited != parallel and not is_complete(self.tables, self.active, awaited):
            return False
        waiting[parallel], work = first_incomplete(self.tables, self.active, parallel)
        self.spend(work)
        return waiting[parallel] == NO_STATE

    def settle(self, ask: bool = True) -> None:
        """Takes what needs no event, then the events that wait, until nothing is left to do. ``ask``: what needs no
        event is to be asked for at once.

        Raises EngineError where that does not end, or is too much.
        """
        tables = self.tables
        circle = Circle(self)
        iterations = 0
        while not self.done:
            iterations += 1
            if 0 < tables.max_iterations < iterations:
                raise EngineError(
                    f"more than {tables.max_iterations} microsteps, which is what the document's options.maxIterations "
                    f"allows{self.names()}"
                )
            if self.data is not None:
                self.data.active = self.active
            transitions = self.automatic() if ask else []
            automatic = bool(transitions)
            if not automatic:
                if not self.queue:
                    return
                transitions = self.answers(self.queue.popleft())
                circle.heard = True
            self.recent.update((transition.source, None) for transition in transitions)
            changed = self.take(transitions)
            ask = changed or not automatic
            if circle.closes(ask):
                what = "raised events" if circle.heard and tables.raised else "transitions without an event"
                raise EngineError(f"{what} do not end: a cycle of {circle.length} microsteps{self.names()}")

    def automatic(self) -> list[Transition]:
        """The transitions without an event that are enabled."""
        self.spend((self.active & self.tables.has_always).bit_count())
        return select_always(self.tables, self.active, self.data)

    def answers(self, event: dict[str, Any]) -> list[Transition]:
        """The transitions that ``event`` enables."""
        name: str = event["type"]
        if self.data is not None:
            self.data.event = event
        states, work = asked(self.tables, self.active, name)
        self.spend(work)
        return select(self.tables, states, name, self.data)


def start(tables: Tables, data: Data | None) -> Step:
    """Enters the initial states."""
    work = Macrostep(tables, Configuration(0), data)
    entry = Entry(tables, work.history, 0)
    entry.enter = entry.by_default = 1
    entry.descend(0)
    work.spend(entry.work)
    work.enter(entry)
    work.settle()
    return work.result()


def is_done(tables: Tables, configuration: Configuration) -> bool:
    """Has the top level reached a final state?"""
    if tables.kinds[0] == COMPOUND:
        return bool(configuration.active & tables.finals[0])
    return is_complete(tables, configuration.active, 0)


def enabled(tables: Tables, configuration: Configuration, event: str, data: Data | None) -> list[Transition]:
    """The transitions with which ``event`` would be taken; none when all that answers only forbids it."""
    if is_done(tables, configuration):
        return []
    if data is not None:
        data.active = configuration.active
    transitions = select(tables, asked(tables, configuration.active, event)[0], event, data)
    for transition in transitions:
        if not transition.inert:
            return transitions
    return []


def is_heard(tables: Tables, configuration: Configuration, event: str, data: Data) -> bool:
    """Does any transition answer ``event``, if only to forbid it?"""
    data.active = configuration.active
    return bool(select(tables, asked(tables, configuration.active, event)[0], event, data))


def automatic(tables: Tables, configuration: Configuration, data: Data | None) -> list[Transition]:
    """The transitions without an event that lead elsewhere after an event that no transition takes: such as their
    guards let through now."""
    if data is None or not configuration.active & tables.guarded_always or is_done(tables, configuration):
        return []
    data.active = configuration.active
    return [one for one in select_always(tables, configuration.active, data) if one.targets is not None]


def take_short(tables: Tables, short: Short, data: Data | None) -> Step:
    """Takes a step that is short, in a fraction of a Macrostep's time."""
    if short.assigns is not None:
        if data is not None:
            for members in short.assigns:
                data.assign(members.value(data))
        return short.step
    configuration = short.step.configuration
    work = Macrostep(tables, configuration, data)
    for actions in short.lists:
        work.act(actions)
    return Step(configuration, tuple(work.effects), timers=tuple(work.timers))


def step(tables: Tables, configuration: Configuration, event: str, data: Data | None) -> Step | None:
    """Gives the machine ``event``; None when no transition is enabled."""
    transitions = enabled(tables, configuration, event, data)
    return run(tables, configuration, transitions, data) if transitions else follow(tables, configuration, data)


def follow(tables: Tables, configuration: Configuration, data: Data | None) -> Step | None:
    """What happens by itself after an event that no transition takes."""
    transitions = automatic(tables, configuration, data)
    if not transitions:
        return None
    work = Macrostep(tables, configuration, data)
    work.settle(ask=work.take(transitions))
    return work.result()


def run(tables: Tables, configuration: Configuration, transitions: list[Transition], data: Data | None) -> Step:
    """Takes ``transitions``, and what follows from them."""
    if len(transitions) == 1:
        short = short_step(tables, configuration, transitions[0])
        if short is not None:
            return take_short(tables, short, data)
    work = Macrostep(tables, configuration, data)
    work.take(transitions)
    work.settle()
    return work.result()
