"""Writing a Chart as our document: XState 5's JSON, whose few differences from SCXML are made up for or said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from .chart import Assign, Chart, Expr, If, State, Transition, Value
from .content import Content, Json, flat, reads_event
from .descriptors import DONE_STATE, PLATFORM, Descriptor, Index, Naming, candidates
from .findings import Findings, Place

_START = "start"
_MOST_SPLITS = 32
"""Choices of one state that become transitions of their own: two in one transition make four."""
DATA = "_event.data is read as the members of the event; of a done event they are those of event.output"
PREFIX = (
    "an event's name also matches those that go on behind a dot, 'a' as 'a.*' here, unless exact names are asked for"
)


def escaped(name: str) -> str:
    """A state's name as a part of a path."""
    return name.replace("\\", "\\\\").replace(".", "\\.")


class Writer:
    def __init__(self, chart: Chart, findings: Findings, exact_events: bool) -> None:
        self.chart = chart
        self.findings = findings
        self.states = {state.id: state for state in chart.root.inside() if state is not chart.root}
        self.order = {id(state): number for number, state in enumerate(chart.root.inside())}
        self.listened: set[str] = set()
        """The states whose done events are asked for by name, or that are named by their id."""
        tasks = any(state.invokes for state in self.states.values())
        self.naming = Naming(exact_events, tasks, self.done_identity)
        self.content = Content(chart, findings, self.path_of)
        self.changed_on_exit = {
            action.location
            for state in self.states.values()
            for action in flat(state.exit)
            if isinstance(action, Assign)
        }
        self.has_output = any(state.output for state in self.states.values())

    # Names

    def path_of(self, identity: str) -> str | None:
        """The path of a state, as inState() takes it."""
        state = self.states.get(identity)
        if state is None:
            return None
        return ".".join(escaped(one.id) for one in reversed([state, *state.ancestors()]) if one is not self.chart.root)

    def done_identity(self, identity: str) -> str | None:
        return identity if identity in self.states else None

    def name_of(self, source: State, target: State) -> str:
        """The target, as a transition of ``source`` names it."""
        for start, base in ((".", source), ("", source.parent)):
            if base is not None and target.is_in(base):
                names = [target, *target.ancestors()]
                inside = [state.id for state in names[: names.index(base)]]
                if start or not inside[-1].startswith((".", "#")):
                    return start + ".".join(escaped(name) for name in reversed(inside))
        self.listened.add(target.id)
        return "#" + escaped(target.id)

    def found(self, names: Iterable[str], place: Place) -> list[State]:
        found = []
        for name in names:
            if name in self.states:
                found.append(self.states[name])
            else:
                self.findings.error(place, f"there is no state {name!r}")
        return found

    # The document

    def document(self) -> Json:
        root = self.chart.root
        if not root.active_children:
            self.findings.error(root.place, "a chart needs states")
        document: Json = {}
        if self.chart.name:
            document["id"] = self.chart.name
        if self.chart.description:
            document["description"] = self.chart.description
        written = self.state(root)
        document["initial"] = written.pop("initial", "")
        if self.content.context:
            document["context"] = self.content.context
        document |= written
        finals = [state for state in root.children if state.kind == "final"]
        outputs = [bool(state.output) for state in finals]
        if any(outputs):
            text = "event.output" if all(outputs) else "has(event.output) ? event.output : null"
            document["output"] = {"@expr": text}
        self.mark(root, document)
        self.look_at_parallels()
        return document

    def mark(self, state: State, written: Json) -> None:
        """Writes out the ids that are asked for."""
        for child in state.children:
            inner = written["states"][child.id]
            if child.id in self.listened:
                written["states"][child.id] = inner = {"id": child.id} | inner
            self.mark(child, inner)

    def state(self, state: State) -> Json:
        written: Json = {}
        if state.kind in ("parallel", "final"):
            written["type"] = state.kind
        if state.kind == "history":
            return self.history(state)
        states: Json = {}
        if state.children and state.kind != "parallel":
            written["initial"] = self.initial(state, states)
        for name, actions in (("entry", state.entry), ("exit", state.exit)):
            self.look_at_event(state, name)
            found = self.content.actions(actions, "")
            if found:
                written[name] = found
        if state.invokes:
            written["invoke"] = [self.invoke(one) for one in state.invokes]
        self.transitions(state, written)
        if state.kind == "final" and state.output:
            written["output"] = self.output(state)
        for child in state.children:
            if not child.id or child.id.startswith("#"):
                self.findings.error(child.place, f"a state cannot be called {child.id!r} here")
            states[child.id] = self.state(child)
        if states:
            written["states"] = states
        return written

    def invoke(self, invoke: Any) -> Json:
        found: Json = {"id": invoke.id} if invoke.id else {}
        found["src"] = invoke.src
        if invoke.params:
            found["input"] = self.content.members(invoke.params, "")
        return found

    def output(self, state: State) -> Any:
        if isinstance(state.output, (Expr, Value)):
            return self.content.value(state.output, "")
        return self.content.members(state.output or (), "")

    def look_at_event(self, state: State, name: str) -> None:
        """Warns where the data of an event are read that may be a done event."""
        if not self.has_output and not self.naming.tasks:
            return
        for action in flat(state.entry if name == "entry" else state.exit):
            for value in vars(action).values():
                if isinstance(value, Expr) and reads_event(value, self.chart.python):
                    self.findings.warning(value.place, DATA)

    # Where a state begins

    def initial(self, state: State, states: Json) -> Any:
        """The initial child; where SCXML names states further inside, a state more that leads there at once."""
        said = state.initial
        targets = self.found(said.targets, said.place) if said else []
        outside = [target for target in targets if not target.is_in(state)]
        for target in outside:
            assert said is not None
            self.findings.error(said.place, f"{target.id!r} is not inside this state")
        targets = [target for target in targets if target not in outside]
        if said is None or not targets:
            children = state.active_children
            return children[0].id if children else ""
        actions = self.content.actions(said.actions, "")
        in_region = state.parent is not None and state.parent.kind == "parallel"
        if len(targets) == 1 and not (actions and in_region):
            child = next(one for one in [targets[0], *targets[0].ancestors()] if one.parent is state)
            if (child is targets[0] and child.kind != "history") or self.leads_to(child, targets[0]):
                return {"target": child.id, "actions": actions} if actions else child.id
        key = _START
        while key in {child.id for child in state.children}:
            key += "-"
        names = [".".join(escaped(one) for one in self.inside_names(state, target)) for target in targets]
        always: Json = {"target": names[0] if len(names) == 1 else names}
        if actions:
            always["actions"] = actions
        states[key] = {"always": always}
        self.findings.note(said.place, f"the state {key!r} was added, which leads there at once")
        return key

    def inside_names(self, state: State, target: State) -> list[str]:
        chain = [target, *target.ancestors()]
        return [one.id for one in reversed(chain[: chain.index(state)])]

    def leads_to(self, state: State, target: State) -> bool:
        """Whether entering ``state`` by default ends in ``target``, and in nothing else that was said."""
        while state is not target:
            if state.kind != "state" or not state.active_children:
                return False
            if state.initial is None:
                state = state.active_children[0]
            elif len(state.initial.targets) == 1 and state.initial.targets[0] in self.states:
                state = self.states[state.initial.targets[0]]
            else:
                return False
        return state.kind != "history"

    def history(self, state: State) -> Json:
        written: Json = {"type": "history", "history": "deep" if state.deep else "shallow"}
        for transition in state.transitions[:1]:
            targets = self.found(transition.targets, transition.place)
            assert state.parent is not None
            names = []
            for target in targets:
                if target.is_in(state.parent) and target.kind != "history":
                    names.append(".".join(escaped(one) for one in self.inside_names(state.parent, target)))
                else:
                    self.findings.error(transition.place, f"{target.id!r} is no state inside the history's parent")
            if names:
                written["target"] = names[0] if len(names) == 1 else names
            if transition.actions:
                self.findings.error(transition.place, "a history's default has no actions here: they are left out")
        return written

    # Transitions

    def transitions(self, state: State, written: Json) -> None:
        named: list[tuple[list[Descriptor], Any]] = []
        always: list[Any] = []
        for transition in self.split(state.transitions):
            descriptors = [found for word in transition.events for found in self.naming.descriptors(word)]
            payload = self.payload(descriptors, transition)
            one = self.transition(state, transition, payload)
            if not transition.events:
                always.append(one)
                continue
            self.look_at_names(transition, descriptors)
            named.append((descriptors, one))
        for key, found in candidates(named).items():
            value = found[0] if len(found) == 1 else found
            if key == DONE_STATE + state.id and state is not self.chart.root:
                written["onDone"] = value
            else:
                self.listened.add(key.removeprefix(DONE_STATE))
                written.setdefault("on", {})[key] = value
        if always:
            written["always"] = always[0] if len(always) == 1 else always

    def split(self, transitions: Iterable[Transition]) -> Iterator[Transition]:
        """The transitions, those with an ``if`` around more than assignments as one for each of its branches.

        Of several the first is taken whose guard holds, so each needs the condition of its own branch alone. That is
        asked before states are left: an ``if`` that depends on what was changed then is left to be refused.
        """
        pending = list(reversed(list(transitions)))
        splits = 0
        while pending:
            transition = pending.pop()
            at = self.place_of_choice(transition)
            if at is None or splits == _MOST_SPLITS:
                yield transition
                continue
            splits += 1
            choice = transition.actions[at]
            assert isinstance(choice, If)
            branches = choice.branches if choice.branches[-1][0] is None else (*choice.branches, (None, ()))
            for asked, actions in reversed(branches):
                conditions = transition.conditions + ([] if asked is None else [(asked, True)])
                done = [*transition.actions[:at], *actions, *transition.actions[at + 1 :]]
                pending.append(replace(transition, conditions=conditions, actions=done))

    def place_of_choice(self, transition: Transition) -> int | None:
        """Where the first ``if`` stands that can be asked with the guard; None where there is none."""
        changed = set(self.changed_on_exit) if transition.targets else set()
        for index, action in enumerate(transition.actions):
            inner = list(flat([action]))
            if isinstance(action, If) and not all(isinstance(one, (Assign, If)) for one in inner):
                return index if self.content.asks_none_of(action, changed) else None
            changed |= {one.location for one in inner if isinstance(one, Assign)}
        return None

    def payload(self, descriptors: list[Descriptor], transition: Transition) -> str:
        """Where the data of these events stand."""
        payloads = {
            "output" if one.name.startswith("done.") else "error" if one.key.startswith("xstate.error.") else ""
            for one in descriptors
        } or {""}
        if len(payloads) == 1:
            return payloads.pop()
        reading = [expr for expr, _ in transition.conditions]
        for action in flat(transition.actions):
            reading += [value for value in vars(action).values() if isinstance(value, Expr)]
        for expr in reading:
            if reads_event(expr, self.chart.python):
                self.findings.warning(expr.place, DATA)
        return ""

    def look_at_names(self, transition: Transition, descriptors: list[Descriptor]) -> None:
        for word in transition.events:
            of_state = word.removeprefix("done.state.")
            if of_state != word and of_state not in self.states:
                self.findings.error(transition.place.at("event"), f"there is no state {of_state!r}")
            elif word.startswith(PLATFORM):
                message = "what fails refuses the whole step here, and raises no event; a task that fails does"
                self.findings.warning(transition.place.at("event"), message)
            elif not self.naming.exact and not word.endswith("*"):
                self.findings.note_once(transition.place.at("event"), PREFIX)

    def transition(self, state: State, transition: Transition, payload: str) -> Any:
        written: Json = {}
        guard = self.content.guard(transition, payload)
        if guard is not None:
            written["guard"] = guard
        targets = self.found(transition.targets, transition.place)
        if targets:
            names = [self.name_of(state, target) for target in targets]
            written["target"] = names[0] if len(names) == 1 else names
        actions = self.content.actions(transition.actions, payload)
        if targets:
            inside = all(target.is_in(state) for target in targets)
            internal = transition.internal and state.kind == "state" and inside
            if not internal:
                if all(target is state or target.is_in(state) for target in targets):
                    written["reenter"] = True
                actions = self.around(state, targets, transition, actions, payload)
        if actions:
            written["actions"] = actions
        if not targets and transition.targets:
            self.findings.error(transition.place, "without its target it only does its actions")
        return written["target"] if written.keys() == {"target"} and len(targets) == 1 else written

    def around(
        self, state: State, targets: list[State], transition: Transition, actions: list[Any], payload: str
    ) -> list[Any]:
        """SCXML leaves a parallel state when a transition goes from one of its regions to another; XState only what is
        inside it. So what its exit and its entry do stands with the transition, where it would be done."""
        common = next(
            (one for one in state.ancestors() if all(target.is_in(one) for target in targets)), self.chart.root
        )
        if common.kind != "parallel":
            return actions
        outer = common.parent
        if outer is not None and outer.kind == "parallel":
            message = f"it leaves {outer.id!r} there, here only what is inside {common.id!r}"
            self.findings.warning(transition.place, message)
        if common.invokes or any(child.kind == "history" for child in common.children):
            self.findings.warning(transition.place, f"it leaves {common.id!r} there, here only what is inside it")
        return [*self.content.actions(common.exit, payload), *actions, *self.content.actions(common.entry, payload)]

    # What parallel states do otherwise

    def look_at_parallels(self) -> None:
        """SCXML asks every atomic state for itself: one event may be taken inside a region and outside it, where one of
        the two has no target. Here what is outside is asked only where nothing inside has taken it."""
        for parallel in self.states.values():
            if parallel.kind != "parallel" or len(parallel.active_children) < 2:
                continue
            inside = [
                (one, transition)
                for child in parallel.children
                for state in child.inside()
                for transition, descriptors in self.named(state)
                for one in descriptors
            ]
            every = Index(inside)
            targetless = Index((one, transition) for one, transition in inside if not transition.targets)
            for state in (parallel, *parallel.ancestors()):
                for outer, descriptors in self.named(state):
                    index = targetless if outer.targets else every
                    inner = next((found for one in descriptors if (found := index.meeting(one))), None)
                    if inner is not None:
                        message = (
                            f"for one event, this and the transition at {inner.place.path} may both be taken there;"
                            " here this is not asked where that is taken"
                        )
                        self.findings.warning(outer.place, message)

    def named(self, state: State) -> Iterator[tuple[Transition, list[Descriptor]]]:
        if state.kind != "history":
            for transition in state.transitions:
                if transition.events:
                    yield transition, [one for word in transition.events for one in self.naming.descriptors(word)]


def write(chart: Chart, findings: Findings, exact_events: bool = False) -> Json:
    """Our document. ``exact_events``: an event's name matches only itself."""
    return Writer(chart, findings, exact_events).document()
