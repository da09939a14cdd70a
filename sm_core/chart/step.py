"""One event's work: from a configuration to the next, with the actions to run.

The algorithm is that of the W3C recommendation "State Chart XML (SCXML)", appendix "Algorithm for SCXML
Interpretation", with what XState 5 does otherwise (its ``transition()``; version 5.33 was read and run):

- A transition does not leave its source when its targets lie inside it, unless it says ``reenter``.
- The domain of a transition is the innermost common ancestor of any type, a parallel state included.
- An event is offered to a parallel state only when no state inside it has taken it. (SCXML asks for each
  atomic state alone, and then removes what conflicts.) Transitions without an event follow SCXML.
- Descriptors of one state: exact, then partial (``a.*``), the longest first, then ``*``.
- Transitions without an event are asked for again only after a step that changed something, so that one
  without a target runs once.
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

from ..errors import EngineError, quote
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

MOST_WORK = 50_000
"""How much one event may cause: transitions, states that are asked, left, entered and held by history, actions. A chain
of transitions without an event is cut off there, which takes some 50 ms."""

WORK_PER_SIZE = 12
"""A large chart may do so much more in a step: this for each unit of its size."""

_MICROSTEP = 8
_TRANSITION = 8
"""What a microstep and each of its transitions cost by themselves, in units of work."""

CHARACTERS = 64
"""Characters of names that cost a unit of work to write down."""

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


Plan = tuple[Transition, int, int]
"""A transition to take, its domain, and the active states that it leaves."""


class Macrostep:
    """The work of one event, from the transitions it enables until nothing more happens by itself.

    It is private to one call: what it changes is its own, and the result is taken from it at the end.
    """

    __slots__ = ("actions", "active", "done", "history", "queue", "recent", "tables", "work")

    def __init__(self, tables: Tables, configuration: Configuration) -> None:
        self.tables = tables
        self.active = configuration.active
        self.history = dict(configuration.history)
        self.actions: list[str] = []
        self.queue: deque[str] = deque()
        self.done = False
        self.work = 0
        self.recent: dict[int, None] = {}

    def result(self) -> Step:
        """What has come of it. Raises EngineError where that is too much to write down."""
        ids = self.tables.ids
        for states in self.history.values():
            self.spend(states.bit_count())
            self.spend(sum([len(ids[state]) for state in ascending(states)]) // CHARACTERS)
        return Step(self.configuration(), tuple(self.actions))

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
        return recorded or self.done or self.active != before

    def act(self, actions: tuple[str, ...]) -> None:
        """Takes note of actions to run."""
        if actions:
            self.spend(len(actions) + sum(map(len, actions)) // CHARACTERS)
            self.actions.extend(actions)

    def spend(self, work: int) -> None:
        """Counts work. Raises EngineError where it is more than one event may cause."""
        self.work += work
        most = max(MOST_WORK, WORK_PER_SIZE * self.tables.size)
        if self.work > most:
            raise EngineError(
                f"one event may cause {most} units of work (transitions, actions, states left and entered), and "
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

    def without_conflicts(self, plans: list[Plan]) -> list[Plan]:
        """Of transitions that would leave the same state, the one from further inside, else the first, stays."""
        kept: list[Plan] = []
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
            if tables.initial_actions[state] and entry.by_default >> state & 1:
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
        if tables.kinds[parent] == COMPOUND:
            self.queue.append(DONE_EVENT + tables.ids[parent])
            ancestor = tables.parents[parent]
        while ancestor != NO_STATE and tables.kinds[ancestor] == PARALLEL and self.completes(ancestor, waiting):
            self.queue.append(DONE_EVENT + tables.ids[ancestor])
            ancestor = tables.parents[ancestor]
        if ancestor == NO_STATE:
            self.done = True

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

    def settle(self) -> None:
        """Takes what needs no event, then the done events, until nothing is left to do.

        Raises EngineError where that does not end, or is too much.
        """
        tables = self.tables
        circle = Circle(self)
        ask = True
        iterations = 0
        while not self.done:
            iterations += 1
            if 0 < tables.max_iterations < iterations:
                raise EngineError(
                    f"more than {tables.max_iterations} microsteps, which is what the document's options.maxIterations "
                    f"allows{self.names()}"
                )
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
                raise EngineError(
                    f"transitions without an event do not end: a cycle of {circle.length} microsteps{self.names()}"
                )

    def automatic(self) -> list[Transition]:
        """The transitions without an event that are enabled."""
        self.spend((self.active & self.tables.has_always).bit_count())
        return select_always(self.tables, self.active)

    def answers(self, event: str) -> list[Transition]:
        """The transitions that ``event`` enables."""
        states, work = asked(self.tables, self.active, event)
        self.spend(work)
        return select(self.tables, states, event)


class Circle:
    """Whether microsteps come back to where they were: with the same states, history and waiting events, all repeats.

    R. P. Brent's way: where the work stands is compared with where it stood after the last power of two microsteps.
    That finds each circle, after at most three times the steps to its end, and remembers one place.
    """

    __slots__ = ("active", "ask", "heard", "history", "length", "power", "queue", "work")

    def __init__(self, work: Macrostep) -> None:
        self.work = work
        self.length = 0
        self.power = 1
        self.active = 0
        self.ask = False
        self.history: dict[int, int] = {}
        self.queue: list[str] = []
        self.heard = False
        """An event that waited was taken since: until then it does not matter which ones wait, nor that more do."""

    def closes(self, ask: bool) -> bool:
        """To be called after each microstep. When true, ``length`` and the work's ``recent`` are the circle's."""
        work = self.work
        self.length += 1
        if self.active == work.active and self.ask == ask and not (self.heard and len(self.queue) != len(work.queue)):
            work.spend(len(self.history) + (len(self.queue) if self.heard else 0))
            if self.history == work.history and not (self.heard and self.queue != list(work.queue)):
                return True
        if self.length == self.power:
            work.spend(len(work.history) + len(work.queue))
            self.active, self.ask, self.heard = work.active, ask, False
            self.history, self.queue = dict(work.history), list(work.queue)
            self.power *= 2
            self.length = 0
            work.recent.clear()
        return False


def start(tables: Tables) -> Step:
    """Enters the initial states."""
    work = Macrostep(tables, Configuration(0))
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


def enabled(tables: Tables, configuration: Configuration, event: str) -> list[Transition]:
    """The transitions with which ``event`` would be taken; none when all that answers only forbids it."""
    if is_done(tables, configuration):
        return []
    transitions = select(tables, asked(tables, configuration.active, event)[0], event)
    for transition in transitions:
        if not transition.inert:
            return transitions
    return []


def step_to_sibling(tables: Tables, configuration: Configuration, transition: Transition) -> Step | None:
    """What a Macrostep does where ``transition`` leads to an atomic sibling and nothing follows from it,
    in a fraction of its time; None where there is more to it."""
    target = transition.sibling
    if target == NO_STATE:
        return None
    top = tables.parents[target]
    active, history = configuration
    left = active & (1 << tables.ends[top]) - (2 << top)
    active = active ^ left | 1 << target
    if left & tables.has_history or active & tables.has_always:
        return None
    actions = transition.actions + tables.entry[target]
    if left & tables.has_exit:
        leaving = [name for state in descending(left & tables.has_exit) for name in tables.exit[state]]
        actions = (*leaving, *actions)
    return Step(Configuration(active, history), actions)


def step(tables: Tables, configuration: Configuration, event: str) -> Step | None:
    """Gives the machine ``event``; None when no transition is enabled."""
    transitions = enabled(tables, configuration, event)
    return run(tables, configuration, transitions) if transitions else None


def run(tables: Tables, configuration: Configuration, transitions: list[Transition]) -> Step:
    """Takes ``transitions``, and what follows from them."""
    if len(transitions) == 1:
        step = step_to_sibling(tables, configuration, transitions[0])
        if step is not None:
            return step
    work = Macrostep(tables, configuration)
    work.take(transitions)
    work.settle()
    return work.result()
