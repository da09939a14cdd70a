"""Reading the behaviour of a document: its expressions, guards and actions, to what a step can run.

What a name means is looked up in the root's ``guards`` and ``actions``. A guard that is not there is the client's to
decide, an action that is not there is an effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..cel import ExpressionFault, compile_expression
from ..definition import Effect, NoParams
from ..document import to_json
from ..durations import parse_delay, whole
from ..errors import DocumentError, LimitError, member, quote, type_name
from . import members as read
from .actions import NONE, Action, Actions, ArmLater, Ask, AskWith, Assign, CancelLater, Raise, Use
from .data import Expression
from .delays import Delay
from .guards import NO_PARAMS, ClientGuard, Every, ExpressionGuard, Guard, InState, Not, Some
from .hints import Names, did_you_mean
from .members import Element, Faults, Kind, Place, listed, members
from .model import NO_STATE, escape_key
from .templates import EXPRESSION, Maker, Template, array_maker, expression_maker, object_maker

if TYPE_CHECKING:
    from .numbering import Numbering

START = frozenset(("input", "event", "now"))
"""What an expression of the context's first value may name."""
STEP = frozenset(("context", "event", "now"))
NAMED = frozenset((*STEP, "params"))
"""The same for the root's guards and actions, which are used with params."""

LANGUAGE = "cel"

CHARACTERS = 16
PARTS = 2
"""Characters, and parts, of expressions that take as long to compile as another element of the document: the more
counts. A text that is refused has a part in every few characters at most."""

_MOST_LEVELS = 256
"""Of guards in guards and of JSON with expressions: the most that max-nesting may allow."""

EXPRESSION_OBJECT = Kind("an expression", (EXPRESSION, "@lang"), {})
DEFINED_GUARD = Kind("the meaning of a guard", ("when",), {})
DEFINED_DELAY = Kind("a delay", ("duration",), {})
NAMED_GUARD = Kind("a guard", ("type", "params"), {})
COMBINATION = Kind("a guard of guards", ("type", "guards"), {})
NEGATION = Kind("a guard of the type 'xstate.not'", ("type", "guard"), {})
STATE_IN = Kind("a guard of the type 'xstate.stateIn'", ("type", "stateValue"), {})
_GUARDS = Names(("xstate.and", "xstate.or", "xstate.not", "xstate.stateIn"), lasting=True)

_BUILT_IN = {
    "@xstate.assign": Kind("an assignment", ("type", "context"), {}),
    "@xstate.raise": Kind("an action that raises an event", ("type", "event", "delay", "id"), {}),
    "@xstate.emit": Kind("an action that emits an event", ("type", "event"), {}),
    "@xstate.log": Kind("an action that logs", ("type", "args"), {}),
    "@xstate.cancel": Kind("an action that cancels", ("type", "id"), {}),
}
_BUILT_IN_NAMES = Names(tuple(_BUILT_IN), lasting=True)
_TASKS = ("@xstate.spawn", "@xstate.spawnChild", "@xstate.stop", "@xstate.stopChild")
"""What starts and stops actors in XState without a state's ``invoke``."""


class Behaviour:
    """The work of one compilation: it is dropped with the compiler."""

    def __init__(
        self,
        document: dict[str, Any],
        faults: Faults,
        states: Numbering,
    ) -> None:
        self.faults = faults
        self.states = states
        self.has_guards = False
        self.raised: set[str] = set()
        """The names of the events that some action raises; ``*``: one that an expression says."""
        self.delays_events = False
        """Some action raises an event later."""
        self.has_tasks = False
        self.expressions: list[Expression] = []
        self.named_states: dict[str, int] = {}
        """What inState() is asked for: ids, and paths however they are written."""
        self.assigned: list[tuple[str, str]] = []
        """The members of the context that some action assigns, each with its place."""
        self.client_guards: dict[str, list[tuple[str, str]]] = {}
        """The guards of the client, each with where it is used and its params as they are written."""
        self.check_language("$", document, "@exprLang")
        self.meanings = {
            name: self.meaning(member("$.guards", name), inner)
            for name, inner in read.mapping(faults, "$", document, "guards").items()
        }
        self.delays: dict[str, Delay] = {}
        self.delays = self.named_delays(read.mapping(faults, "$", document, "delays"))
        self.named_actions: dict[str, Actions] = {}
        self.named_actions = {
            name: self.named_action(member("$.actions", name), inner)
            for name, inner in read.mapping(faults, "$", document, "actions").items()
        }

    # Expressions

    def check_language(self, place: str, value: dict[str, Any], name: str) -> None:
        said = value.get(name)
        if said is not None and said != LANGUAGE and not self.faults.before:
            what = quote(said) if isinstance(said, str) else type_name(said)
            self.faults.at(member(place, name), f"expressions are written in 'cel', not in {what}")

    def expression(self, place: str, value: dict[str, Any], names: frozenset[str]) -> Expression | None:
        """The expression that the object ``value`` is; None after a fault."""
        members(self.faults, place, value, EXPRESSION_OBJECT)
        self.check_language(place, value, "@lang")
        text = value[EXPRESSION]
        if not isinstance(text, str):
            self.states.count(1, place)
            self.faults.at(place, f"expected the text of an expression, got {type_name(text)}")
            return None
        characters = len(text) // CHARACTERS
        self.states.count(1 + characters, place)
        try:
            program = compile_expression(text, names, None if "context" in names else False)
        except ExpressionFault as error:
            fault = str(error)
            self.states.count(len(text) // PARTS - characters, place)
        else:
            self.states.count(max(0, program.cost // PARTS - characters), place)
            for path, _, _ in program.states:
                state = self.named_states[path] = self.states.state_at(path)
                if state == NO_STATE:
                    self.faults.at(place, f"inState: no state {quote(path)}")
                    return None
            found = Expression(program, place)
            self.expressions.append(found)
            return found
        self.faults.at(place, fault)
        return None

    def template(self, place: str, value: object, names: frozenset[str]) -> Template:
        """JSON in which expressions may stand."""
        cost = [0]
        before = len(self.expressions)
        make = self.maker(place, value, names, cost, 1)
        reads_input = any("input" in expression.program.reads for expression in self.expressions[before:])
        return Template(value if make is None else None, make, 1 + cost[0], reads_input)

    def maker(self, place: str, value: object, names: frozenset[str], cost: list[int], depth: int) -> Maker | None:
        """What makes ``value``; None where it is constant. ``cost`` grows by what there is to make."""
        check_depth(place, depth)
        if isinstance(value, dict):
            if EXPRESSION in value:
                expression = self.expression(place, value, names)
                return None if expression is None else expression_maker(expression)
            cost[0] += len(value)
            made = {}
            for name, inner in value.items():
                if isinstance(inner, (dict, list)):
                    maker = self.maker(member(place, name), inner, names, cost, depth + 1)
                    if maker:
                        made[name] = maker
            return object_maker(value, made) if made else None
        if isinstance(value, list):
            cost[0] += len(value)
            found = {}
            for index, inner in enumerate(value):
                if isinstance(inner, (dict, list)):
                    maker = self.maker(str(Element(place, index)), inner, names, cost, depth + 1)
                    if maker:
                        found[index] = maker
            return array_maker(value, found) if found else None
        return None

    # Guards

    def meaning(self, place: str, value: object) -> Expression | None:
        """What the root says that the name of a guard means."""
        if not isinstance(value, dict):
            self.faults.at(place, f'expected {{"when": an expression}}, got {type_name(value)}')
            return None
        members(self.faults, place, value, DEFINED_GUARD)
        when = value.get("when")
        if not isinstance(when, dict) or EXPRESSION not in when:
            if "when" in value:
                what = "an object without it" if isinstance(when, dict) else type_name(when)
                self.faults.at(f"{place}.when", f'expected {{"@expr": the text of an expression}}, got {what}')
            else:
                self.faults.at(place, 'expected {"when": an expression}, got an object without it')
            return None
        return self.expression(f"{place}.when", when, NAMED)

    def guard(self, place: str, value: object, depth: int = 1) -> Guard | None:
        """The guard of a transition; None where there is none, or after a fault."""
        check_depth(place, depth)
        if value is None or (self.faults.before and value in ({}, [])):
            self.faults.lost(place, "a guard")
            return None
        self.has_guards = True
        self.states.count(1, place)
        if isinstance(value, str):
            return self.named_guard(place, value, NO_PARAMS, "")
        if not isinstance(value, dict):
            self.faults.at(place, f"expected a guard (a name or an object), got {type_name(value)}")
            return None
        if EXPRESSION in value:
            expression = self.expression(place, value, STEP)
            return None if expression is None else ExpressionGuard(expression, value[EXPRESSION])
        name = value.get("type")
        if not isinstance(name, str) or not name:
            self.faults.at(place, 'a guard object needs its name in "type"')
            return None
        if name.startswith("xstate."):
            return self.built_in_guard(place, name, value, depth + 1)
        members(self.faults, place, value, NAMED_GUARD)
        params = self.template(f"{place}.params", value["params"], STEP) if "params" in value else NO_PARAMS
        return self.named_guard(place, name, params, repr(value.get("params")))

    def named_guard(self, place: str, name: str, params: Template, written: str) -> Guard | None:
        if name in self.meanings:
            expression = self.meanings[name]
            return None if expression is None else ExpressionGuard(expression, name, params)
        if not name:
            self.faults.at(place, "a guard needs a name")
        elif name.startswith("xstate."):
            self.faults.at(place, f"{quote(name)} is a guard of guards: an object with that type")
        self.client_guards.setdefault(name, []).append((place, written))
        return ClientGuard(name)

    def built_in_guard(self, place: str, name: str, value: dict[str, Any], depth: int) -> Guard | None:
        if name in ("xstate.and", "xstate.or"):
            members(self.faults, place, value, COMBINATION)
            inner = value.get("guards")
            if not isinstance(inner, list):
                self.faults.at(f"{place}.guards", f"expected an array of guards, got {type_name(inner)}")
                return None
            found = [self.guard(str(Element(f"{place}.guards", index)), one, depth) for index, one in enumerate(inner)]
            guards = [guard for guard in found if guard is not None]
            return Every(guards) if name == "xstate.and" else Some(guards)
        if name == "xstate.not":
            members(self.faults, place, value, NEGATION)
            negated = self.guard(f"{place}.guard", value.get("guard"), depth)
            return None if negated is None else Not(negated)
        if name == "xstate.stateIn":
            members(self.faults, place, value, STATE_IN)
            return self.state_in(f"{place}.stateValue", value.get("stateValue"))
        hint = _GUARDS.hint(name) or f"; known are {', '.join(_GUARDS.names)}"
        self.faults.at(place, f"no guard {quote(name)}{hint}")
        return None

    def state_in(self, place: str, value: object) -> Guard | None:
        """``stateIn``: an id, a dotted path, or a state value."""
        states = 0
        pending: list[tuple[str, object, str]] = [("", value, place)]
        while pending:
            path, inner, at = pending.pop()
            if isinstance(inner, str) and inner:
                name = inner if inner[0] == "#" or not path else f"{path}.{inner}"
                state = self.states.state_at(name)
                if state == NO_STATE:
                    self.faults.at(at, f"no state {quote(name)}")
                    return None
                states |= 1 << state
            elif isinstance(inner, dict):
                for key, further in inner.items():
                    step = f"{path}.{escape_key(key)}" if path else escape_key(key)
                    pending.append((step, further, member(at, key)))
                if path:
                    pending.append(("", path, at))
            else:
                self.faults.at(at, f"expected a state value (a string or an object), got {type_name(inner)}")
                return None
        label = value if isinstance(value, str) else to_json(value)
        return InState(states, f"in {label}")

    # Actions

    def transition_actions(self, place: str, value: dict[str, Any]) -> Actions:
        """What a transition does: its own ``context`` is an assignment before its actions."""
        actions = self.actions(f"{place}.actions", value["actions"]) if "actions" in value else NONE
        if value.get("context") not in (None, {}, []):  # empty, 1.0 took it
            assign = self.assignment(f"{place}.context", value["context"], STEP)
            if assign is not None:
                actions = Actions((assign, *actions.items))
        return actions

    def actions(self, place: str, value: object, names: frozenset[str] = STEP) -> Actions:
        """The actions that ``value`` lists."""
        if type(value) is str and value and value[0] not in "x@" and value not in self.named_actions:  # as most are
            return Actions((Ask(Effect(value), len(value)),))
        if value is None:
            self.faults.lost(place, "an action")
        found: list[Action] = []
        for action, at in listed(place, value):
            if action is None:
                self.faults.lost(at, "an action")
            else:
                one = self.action(action, at, names)
                if one is not None:
                    found.append(one)
        return Actions(found) if found else NONE

    def action(self, action: object, at: Place, names: frozenset[str]) -> Action | None:
        """What one action does."""
        name = action.get("type") if isinstance(action, dict) else action
        if not isinstance(name, str) or name not in self.named_actions:
            return self.plain_action(action, at, names)
        params = NO_PARAMS
        if isinstance(action, dict):
            members(self.faults, str(at), action, read.ACTION)
            if "params" in action:
                params = self.template(f"{at}.params", action["params"], names)
        meaning = self.named_actions[name]
        self.states.count(len(meaning), at)
        return Use(name, meaning, params)

    def named_action(self, place: str, value: object) -> Actions:
        """What the root says that the name of an action means: no name is looked up in it."""
        if value is None:
            self.faults.lost(place, "an action")
        found = [self.plain_action(one, at, NAMED) for one, at in listed(place, value)]
        self.states.count(len(found), place)
        return Actions([action for action in found if action is not None])

    def plain_action(self, action: object, at: Place, names: frozenset[str]) -> Action | None:
        name = action
        if isinstance(action, dict):
            name = action.get("type")
            if isinstance(name, str) and name in _BUILT_IN:
                try:
                    return self.built_in(name, action, str(at), names)
                except DocumentError:  # an action of that name, to 1.0
                    if not self.faults.before:
                        raise
            if self.faults.before or not (isinstance(name, str) and name.startswith(("xstate.", "@xstate."))):
                members(self.faults, str(at), action, read.ACTION)
            at = member(str(at), "type") if "type" in action else at
            if name is None:
                self.faults.at(at, 'an action object needs its name in "type"')
                return None
        if action is None:
            self.faults.lost(at, "an action")
        elif not isinstance(name, str):
            self.faults.at(at, f"expected an action (a name or an object), got {type_name(name)}")
        elif not name:
            self.faults.at(at, "an action needs a name")
        elif name.startswith("xstate."):
            known = f"; as data it is {quote('@' + name)}" if "@" + name in _BUILT_IN else ""
            self.faults.at(at, f"the built-in action {quote(name)} is code{known}")
        elif name.startswith("@xstate.") and not self.faults.before:
            word = "needs its members: an object"
            if name not in _BUILT_IN:
                hint = "; tasks are a state's 'invoke'" if name in _TASKS else _BUILT_IN_NAMES.hint(name)
                word = f"is none that there is{hint}"
            self.faults.at(at, f"the built-in action {quote(name)} {word}")
        else:
            said = action.get("params", NoParams) if isinstance(action, dict) else NoParams
            return self.effect(name, said, str(at), names)
        return None

    def effect(self, name: str, said: object, place: str, names: frozenset[str]) -> Action:
        """``said``: its params as they are written."""
        if said is NoParams:
            return Ask(Effect(name), len(name))
        template = self.said_params(f"{place.removesuffix('.type')}.params", said, names)
        if template.make is not None:
            return AskWith(name, template)
        text = to_json(said)
        self.states.count(len(text) // 4096, place)
        return Ask(Effect(name, said), len(name) + len(text))

    def said_params(self, place: str, said: object, names: frozenset[str]) -> Template:
        """The params of an effect. 1.0 passed over them: what is no expression is data then."""
        try:
            return self.template(place, said, names)
        except LimitError:
            raise
        except DocumentError:
            if not self.faults.before:
                raise
        return Template(said, None, 1)

    def built_in(self, name: str, action: dict[str, Any], place: str, names: frozenset[str]) -> Action | None:
        members(self.faults, place, action, _BUILT_IN[name])
        if name == "@xstate.assign":
            return self.assignment(f"{place}.context", action.get("context"), names)
        if name == "@xstate.raise":
            event = self.event(f"{place}.event", action.get("event"), names)
            if event is None:
                return None
            if action.get("delay") is None:
                said = action["event"]["type"] if isinstance(action["event"], dict) else action["event"]
                self.raised.add(said if isinstance(said, str) else "*")
                return Raise(event, f"{place}.event")
            delay = self.delay(f"{place}.delay", action["delay"], names)
            identity = self.identity(f"{place}.id", action.get("id", ""), names)
            if delay is None or identity is None:
                return None
            self.delays_events = True
            return ArmLater(event, delay, identity, place)
        if name == "@xstate.emit":
            event = self.event(f"{place}.event", action.get("event"), names)
            return None if event is None else self.made(name, {"event": event})
        if name == "@xstate.log":
            args = self.template(f"{place}.args", action.get("args", []), names)
            return self.made(name, {"args": args})
        cancelled = self.identity(f"{place}.id", action.get("id"), names)
        return None if cancelled is None else CancelLater(cancelled, f"{place}.id")

    def made(self, name: str, parts: dict[str, Template]) -> Action:
        """An effect whose params are made of templates."""
        constant = {part: template.constant for part, template in parts.items()}
        made = {part: template.make for part, template in parts.items() if template.make is not None}
        if not made:
            return Ask(Effect(name, constant), len(to_json(constant)))
        cost = sum([template.cost for template in parts.values()])
        return AskWith(name, Template(None, object_maker(constant, made), cost))

    def assignment(self, place: str, value: object, names: frozenset[str]) -> Assign | None:
        """Members to merge into the context."""
        if not isinstance(value, dict) or EXPRESSION in value:
            what = "an expression" if isinstance(value, dict) else type_name(value)
            self.faults.at(place, f"expected an object of the members to set, got {what}")
            return None
        self.assigned.extend((name, member(place, name)) for name in value)
        self.states.count(len(value), place)
        return Assign(self.template(place, value, names))

    # Delays

    def named_delays(self, said: dict[str, Any]) -> dict[str, Delay]:
        """The root's ``delays``."""
        found = {}
        for name, value in said.items():
            place = member("$.delays", name)
            if isinstance(value, dict) and EXPRESSION not in value:
                members(self.faults, place, value, DEFINED_DELAY)
                value, place = value.get("duration"), f"{place}.duration"
            delay = self.plain_delay(place, value, STEP)
            if delay is not None:
                found[name] = delay
        return found

    def delay(self, place: str, value: object, names: frozenset[str] = STEP) -> Delay | None:
        """A delay: a name of the root's ``delays``, or what ``plain_delay`` takes."""
        if isinstance(value, str) and value in self.delays:
            return self.delays[value]
        return self.plain_delay(place, value, names)

    def plain_delay(self, place: str, value: object, names: frozenset[str]) -> Delay | None:
        """Milliseconds, a text that says how long, or an expression for either; None after a fault."""
        if isinstance(value, dict) and EXPRESSION in value:
            return Delay(0, self.template(place, value, names), place)
        number = None
        if isinstance(value, str):
            number = parse_delay(value)
        elif type(value) is int or type(value) is float:
            number = whole(value)
        if number is not None:
            return Delay(number)
        if isinstance(value, str):
            named = f", or one of 'delays'{did_you_mean(value, self.delays)}" if self.delays else ""
            self.faults.at(place, f"no delay {quote(value)}: milliseconds, '1.5s', 'PT1H'{named}")
        else:
            what = "a number that is none" if type(value) in (int, float) else type_name(value)
            self.faults.at(place, f"expected a delay (milliseconds or a text), got {what}")
        return None

    def identity(self, place: str, value: object, names: frozenset[str]) -> Template | None:
        """The id of a delayed event: a text, or an expression."""
        if not isinstance(value, str) and not (isinstance(value, dict) and EXPRESSION in value):
            self.faults.at(place, f"expected an id (a string), got {type_name(value)}")
            return None
        return self.template(place, value, names)

    def event(self, place: str, value: object, names: frozenset[str]) -> Template | None:
        """An event to raise or to emit: its name, or an object with its name in ``type``."""
        if isinstance(value, str) and value:
            value = {"type": value}
        if not isinstance(value, dict) or EXPRESSION in value:
            self.faults.at(place, f"expected an event (a name or an object), got {type_name(value)}")
            return None
        name = value.get("type")
        if not (isinstance(name, str) and name) and not (isinstance(name, dict) and EXPRESSION in name):
            self.faults.at(place, 'an event object needs its name in "type"')
            return None
        return self.template(place, value, names)


def check_depth(place: str, depth: int) -> None:
    """Raises LimitError where what is gone through level by level has too many of them: what was accepted before has
    not been counted."""
    if depth > _MOST_LEVELS:
        raise LimitError(place, f"nested deeper than {_MOST_LEVELS} levels")
