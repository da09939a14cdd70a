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

from ..errors import EngineError, quote
from .model import (
    COMPOUND,
    DONE_EVENT,
    FINAL,
    HISTORY,
    NO_STATE,
    PARALLEL,
    Configuration,
    Step,
    Tables,
    Transition,
    ascending,
    common_ancestor,
    descending,
    make,
    span,
)
from .select import select, select_always

MOST_MICROSTEPS = 128
"""How many microsteps one event may cause; an ``always`` cycle is cut off here."""

MOST_TRANSITIONS = 10_000
"""How many transitions these may take together, beside one for each state: thousands of regions may all run in circles
at once, and the server waits for them."""


def effective_targets(tables: Tables, targets: tuple[int, ...], history: dict[int, int]) -> list[int]:
    """``targets`` with each history state replaced by what it stands for."""
    states: dict[int, None] = {}
    pending = list(reversed(targets))
    while pending:
        state = pending.pop()
        if tables.kinds[state] != HISTORY:
            states[state] = None
        elif state in history:
            states.update(dict.fromkeys(ascending(history[state])))
        else:
            pending.extend(reversed(default_targets(tables, state)))
    return list(states)


def default_targets(tables: Tables, state: int) -> tuple[int, ...]:
    """Where a history state leads that holds nothing."""
    if tables.defaults[state]:
        return tables.defaults[state]
    parent = tables.parents[state]
    return (parent,) if tables.kinds[parent] == PARALLEL else (tables.initial[parent],)


def domain(tables: Tables, transition: Transition, targets: list[int]) -> int:
    """The state whose descendants ``transition`` leaves; NO_STATE when it leaves the root as well."""
    return transition_domain(tables.parents, tables.ends, transition.source, transition.reenter, targets)


def transition_domain(
    parents: tuple[int, ...] | list[int],
    ends: tuple[int, ...] | list[int],
    source: int,
    reenter: bool,
    targets: list[int],
) -> int:
    """See ``domain``; for the compiler, which has no Tables yet."""
    if not reenter and all(source <= target < ends[source] for target in targets):
        return source
    ancestor = common_ancestor(parents, ends, [*targets, source])
    return ancestor if ancestor != NO_STATE or reenter else 0


class Entry:
    """Which states are to be entered, and which of them by default (their initial actions run then)."""

    __slots__ = ("by_default", "completed", "enter", "history", "remaining", "tables")

    def __init__(self, tables: Tables, history: dict[int, int], remaining: int) -> None:
        self.tables = tables
        self.history = history
        self.remaining = remaining
        self.enter = 0
        self.by_default = 0
        self.completed: set[int] = set()

    def holds_descendant(self, state: int) -> bool:
        """Is a proper descendant of ``state`` to be entered?"""
        return bool(self.enter & span(state + 1, self.tables.ends[state]))

    def add(self, transition: Transition, targets: list[int], domain: int) -> None:
        """What ``transition`` enters; ``targets`` are its effective targets."""
        tables = self.tables
        for target in transition.targets or ():
            inside = target == transition.source == domain and not transition.reenter
            if tables.kinds[target] != HISTORY and not inside:
                self.enter |= 1 << target
                self.by_default |= 1 << target
            self.descend(target)
        for target in targets:
            self.climb(target, domain, domain)
            if domain != NO_STATE and tables.kinds[domain] == PARALLEL:
                self.complete(domain)

    def descend(self, state: int) -> None:
        """What entering ``state`` entails below it."""
        tables = self.tables
        pending = [state]
        while pending:
            state = pending.pop()
            kind = tables.kinds[state]
            if kind == COMPOUND:
                child = tables.initial[state]
                if self.stays_elsewhere(state, child):
                    continue
                if tables.kinds[child] != HISTORY:
                    self.enter |= 1 << child
                    self.by_default |= 1 << child
                pending.append(child)
            elif kind == PARALLEL:
                for child in tables.children[state]:
                    if not self.holds_descendant(child):
                        self.enter |= 1 << child
                        self.by_default |= 1 << child
                        pending.append(child)
            elif kind == HISTORY:
                pending.extend(self.restore(state))

    def stays_elsewhere(self, state: int, child: int) -> bool:
        """Does another child than ``child`` stay active in the compound state ``state``?

        A history state's default deep inside an active region brings XState to enter that region, and those beside
        it, once more without leaving them. That is followed as far as it is a legal configuration.
        """
        if not self.remaining & span(state + 1, self.tables.ends[state]):
            return False
        return not self.remaining >> child & 1

    def restore(self, state: int) -> list[int]:
        """Enters what the history state ``state`` stands for; answers the states whose insides are to follow."""
        tables = self.tables
        parent = tables.parents[state]
        if state in self.history:
            states = list(ascending(self.history[state]))
        else:
            states = list(default_targets(tables, state))
            if not tables.defaults[state] and tables.kinds[parent] == COMPOUND:
                self.by_default |= 1 << parent
        for restored in states:
            if tables.kinds[restored] != HISTORY:
                self.enter |= 1 << restored
        for restored in states:
            self.climb(restored, parent, NO_STATE)
        return states

    def climb(self, state: int, top: int, domain: int) -> None:
        """Enters the ancestors of ``state`` below ``top``, and the other regions of those that are parallel."""
        tables = self.tables
        if state == top:
            return
        ancestor = tables.parents[state]
        while ancestor not in (NO_STATE, top):
            if domain == NO_STATE or domain < ancestor < tables.ends[domain]:
                self.enter |= 1 << ancestor
            if tables.kinds[ancestor] == PARALLEL:
                self.complete(ancestor)
            ancestor = tables.parents[ancestor]

    def complete(self, parallel: int) -> None:
        """Enters the regions of ``parallel`` in which nothing is entered yet."""
        if parallel in self.completed:
            return
        self.completed.add(parallel)
        for child in self.tables.children[parallel]:
            if not self.holds_descendant(child):
                self.enter |= 1 << child
                self.descend(child)


def is_complete(tables: Tables, active: int, state: int) -> bool:
    """Is ``state`` done: a final child active, or every region done?"""
    pending = [state]
    while pending:
        state = pending.pop()
        kind = tables.kinds[state]
        if kind == COMPOUND:
            if not active & tables.finals[state]:
                return False
        elif kind == PARALLEL:
            pending.extend(tables.children[state])
        elif kind != FINAL:
            return False
    return True


Plan = tuple[Transition, int, int]
"""A transition to take, its domain, and the active states that it leaves."""


class Macrostep:
    """The work of one event, from the transitions it enables until nothing more happens by itself.

    It is private to one call: what it changes is its own, and the result is taken from it at the end.
    """

    __slots__ = ("actions", "active", "done", "history", "microsteps", "queue", "recent", "tables", "taken")

    def __init__(self, tables: Tables, configuration: Configuration) -> None:
        self.tables = tables
        self.active = configuration.active
        self.history = dict(configuration.history)
        self.actions: list[str] = []
        self.queue: deque[str] = deque()
        self.done = False
        self.microsteps = 0
        self.taken = 0
        self.recent: list[int] = []

    def result(self) -> Step:
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
            self.actions.extend(transition.actions)
            if transition.targets:
                # Resolved anew: a history state may hold now what was just left. XState enters in the new domain even
                # when it was left as well, and what it ends in is no configuration then.
                targets, domain = self.resolve(transition)
                if not self.holds(domain):
                    domain = top
                if self.holds(domain):
                    entry.add(transition, targets, domain)
        self.enter(entry)
        return recorded or self.done or self.active != before

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
        for state in descending(states):
            for history in tables.histories[state]:
                if tables.deep[history]:
                    inside = self.active & tables.leaves & span(state + 1, tables.ends[state])
                else:
                    inside = self.active & span(state + 1, tables.ends[state])
                    inside = sum(1 << child for child in ascending(inside) if tables.parents[child] == state)
                recorded[history] = inside
            self.actions.extend(tables.exit[state])
        self.active &= ~states
        self.history.update(recorded)
        return bool(recorded)

    def enter(self, entry: Entry) -> None:
        """Enters the states of ``entry`` in document order, and notes what is done by that."""
        tables = self.tables
        completed: set[int] = set()
        for state in ascending(entry.enter):
            self.active |= 1 << state
            self.actions.extend(tables.entry[state])
            if tables.initial_actions[state] and entry.by_default >> state & 1:
                self.actions.extend(tables.initial_actions[state])
            if tables.kinds[state] == FINAL:
                self.report_done(state, completed)
        if self.done:
            for state in descending(self.active):
                self.actions.extend(tables.exit[state])

    def report_done(self, final: int, completed: set[int]) -> None:
        """Queues the done events that entering the state ``final`` causes."""
        tables = self.tables
        parent = tables.parents[final]
        ancestor = parent
        if tables.kinds[parent] == COMPOUND:
            self.queue.append(DONE_EVENT + tables.ids[parent])
            ancestor = tables.parents[parent]
        while (
            ancestor != NO_STATE
            and tables.kinds[ancestor] == PARALLEL
            and ancestor not in completed
            and is_complete(tables, self.active, ancestor)
        ):
            completed.add(ancestor)
            self.queue.append(DONE_EVENT + tables.ids[ancestor])
            ancestor = tables.parents[ancestor]
        if ancestor == NO_STATE:
            self.done = True

    def settle(self) -> None:
        """Takes what needs no event, then the done events, until nothing is left to do.

        Raises EngineError when that does not end within MOST_MICROSTEPS and MOST_TRANSITIONS.
        """
        tables = self.tables
        ask = True
        while not self.done:
            transitions = select_always(tables, self.active) if ask else []
            automatic = bool(transitions)
            if not automatic:
                if not self.queue:
                    return
                transitions = select(tables, self.active, self.queue.popleft())
            self.count(transitions)
            changed = self.take(transitions)
            ask = changed or not automatic

    def count(self, transitions: list[Transition]) -> None:
        self.microsteps += 1
        self.taken += len(transitions)
        wide = self.taken > MOST_TRANSITIONS + len(self.tables.kinds)
        if wide or self.microsteps > MOST_MICROSTEPS - 3:
            self.recent.extend(transition.source for transition in transitions[:1])
        if wide or self.microsteps > MOST_MICROSTEPS:
            names = ", ".join(quote(self.tables.paths[state]) for state in dict.fromkeys(self.recent))
            if wide:
                raise EngineError(f"too many transitions without an event: more than {self.taken - 1}, at {names}")
            raise EngineError(
                f"transitions without an event do not end: more than {MOST_MICROSTEPS} of them in a row, at {names}"
            )


def start(tables: Tables) -> Step:
    """Enters the initial states."""
    work = Macrostep(tables, Configuration(0))
    entry = Entry(tables, work.history, 0)
    entry.enter = entry.by_default = 1
    entry.descend(0)
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
    transitions = select(tables, configuration.active, event)
    for transition in transitions:
        if not transition.inert:
            return transitions
    return []


def step_beside(tables: Tables, configuration: Configuration, transition: Transition) -> Step | None:
    """What a Macrostep does where ``transition`` leads to an atomic state beside the last and nothing follows from it,
    in a fraction of its time; None where there is more to it."""
    target = transition.beside
    if target == NO_STATE:
        return None
    top = tables.parents[target]
    active, history = configuration
    left = active & (1 << tables.ends[top]) - (2 << top)
    active = active ^ left | 1 << target
    if left & tables.recorders or active & tables.transient:
        return None
    actions = transition.actions + tables.entry[target]
    if left & tables.parting:
        leaving = [name for state in descending(left & tables.parting) for name in tables.exit[state]]
        actions = (*leaving, *actions)
    return make(Step, (make(Configuration, (active, history)), actions))


def step(tables: Tables, configuration: Configuration, event: str) -> Step | None:
    """Gives the machine ``event``; None when no transition is enabled."""
    transitions = enabled(tables, configuration, event)
    return run(tables, configuration, transitions) if transitions else None


def run(tables: Tables, configuration: Configuration, transitions: list[Transition]) -> Step:
    """Takes ``transitions``, and what follows from them."""
    if len(transitions) == 1:
        beside = step_beside(tables, configuration, transitions[0])
        if beside is not None:
            return beside
    work = Macrostep(tables, configuration)
    work.take(transitions)
    work.settle()
    return work.result()
