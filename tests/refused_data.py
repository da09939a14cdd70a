"""What the engine refuses of data: expressions, guards and actions of documents, and what is given with a step.

``CHARTS`` are refused by SM.SET, each with its place and its fault; ``SNAPSHOTS`` likewise, for where they say that
the machine stands. ``STEPS`` are documents that are taken, each with a step that is refused, and how the error begins.
"""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sm_core import Definition, Given, Limits, Machine, merge


def expr(text: object, **more: Any) -> dict[str, Any]:
    return {"@expr": text, **more}


def assign(**members: Any) -> dict[str, Any]:
    return {"type": "@xstate.assign", "context": members}


def pay(*candidates: Any, **members: Any) -> dict[str, Any]:
    """A machine in ``open`` that answers PAY with these candidates."""
    states = {"open": {"on": {"PAY": list(candidates)}}, "paid": {}}
    return {"id": "order", "initial": "open", "context": {"paid": 0}, "states": states, **members}


def guarded(guard: Any, **members: Any) -> dict[str, Any]:
    return pay({"guard": guard, "target": "paid"}, **members)


def acting(action: Any, **members: Any) -> dict[str, Any]:
    return pay({"actions": action}, **members)


def tower(levels: int) -> Any:
    """Guards in guards."""
    guard: Any = "rich"
    for _ in range(levels):
        guard = {"type": "xstate.not", "guard": guard}
    return guard


GUARD = "$.states.open.on.PAY[0].guard"
ACTION = "$.states.open.on.PAY[0].actions"
LOST = "null where a guard belongs: code was lost on the way to JSON: name it"

CHARTS: list[tuple[dict[str, Any], str, str]] = [
    # what a state waits for
    (pay(invoke=5), "$.invoke", "expected a task (an object), got a number"),
    (pay(invoke={"src": 5}), "$.invoke.src", "expected the name of a task, got a number"),
    (pay(invoke={"src": "work", "type": "xstate.actor"}), "$.invoke.type", "a task has no type"),
    (pay(onTimeout="paid"), "$.onTimeout", "there is no 'timeout' that it answers"),
    # expressions
    (guarded(expr(5)), GUARD, "expected the text of an expression, got a number"),
    (guarded(expr("1 +")), GUARD, "expected an expression after '+' at line 1, column 4"),
    (guarded(expr("contxt.paid == 1")), GUARD, "\"contxt\" is not known here: did you mean \"context\"? at line 1, column 1"),
    (guarded(expr("params.a == 1")), GUARD, "\"params\" is not known here: known are context, event, now at line 1, column 1"),
    (guarded(expr("true", lang="cel")), f"{GUARD}.lang", "an expression has no member 'lang'; did you mean '@lang'?"),
    (guarded(expr("true", **{"@lang": "jsonata"})), f'{GUARD}["@lang"]', "expressions are written in 'cel', not in 'jsonata'"),
    (guarded(expr("true", **{"@lang": 3})), f'{GUARD}["@lang"]', "expressions are written in 'cel', not in a number"),
    (pay(**{"@exprLang": "js"}), '$["@exprLang"]', "expressions are written in 'cel', not in 'js'"),
    (guarded(expr("inState('opne')")), GUARD, "inState: no state 'opne'"),
    (pay(context={"a": [1, {"b": expr("context.paid")}]}), "$.context.a[1].b",
     "\"context\" is not known here: known are event, input, now at line 1, column 1"),
    (pay(context={"a": expr("inState('open')")}), "$.context.a",
     "inState() cannot be asked here: the machine does not stand anywhere yet at line 1, column 1"),
    (acting({"type": "mail", "params": {"to": [expr("event.")]}}), f"{ACTION}.params.to[0]",
     "expected the name of a member after '.' at line 1, column 7"),
    (pay(output={"total": [1, expr("context.")]}), "$.output.total[1]", "expected the name of a member after '.' at line 1, column 9"),
    # guards
    (guarded(None), GUARD, LOST),
    (guarded(3), GUARD, "expected a guard (a name or an object), got a number"),
    (guarded(["a"]), GUARD, "expected a guard (a name or an object), got an array"),
    (guarded(""), GUARD, "a guard needs a name"),
    (guarded({"params": {}}), GUARD, 'a guard object needs its name in "type"'),
    (guarded({"type": 5}), GUARD, 'a guard object needs its name in "type"'),
    (guarded({"type": "rich", "param": 1}), f"{GUARD}.param", "a guard has no member 'param'; did you mean 'params'?"),
    (guarded("xstate.and"), GUARD, "'xstate.and' is a guard of guards: an object with that type"),
    (guarded({"type": "xstate.adn", "guards": []}), GUARD, "no guard 'xstate.adn'; did you mean 'xstate.and'?"),
    (guarded({"type": "xstate.and", "guards": "a"}), f"{GUARD}.guards", "expected an array of guards, got a string"),
    (guarded({"type": "xstate.or", "guards": ["a", None]}), f"{GUARD}.guards[1]", LOST),
    (guarded({"type": "xstate.or", "guard": "a"}), f"{GUARD}.guard", "a guard of guards has no member 'guard'; did you mean 'guards'?"),
    (guarded({"type": "xstate.not"}), f"{GUARD}.guard", LOST),
    (guarded({"type": "xstate.not", "guards": ["a"]}), f"{GUARD}.guards",
     "a guard of the type 'xstate.not' has no member 'guards'; did you mean 'guard'?"),
    (guarded({"type": "xstate.stateIn", "stateValue": "opne"}), f"{GUARD}.stateValue", "no state 'opne'"),
    (guarded({"type": "xstate.stateIn", "stateValue": "#paid"}), f"{GUARD}.stateValue", "no state '#paid'"),
    (guarded({"type": "xstate.stateIn", "stateValue": {"open": "x"}}), f"{GUARD}.stateValue.open", "no state 'open.x'"),
    (guarded({"type": "xstate.stateIn", "stateValue": 1}), f"{GUARD}.stateValue", "expected a state value (a string or an object), got a number"),
    (guarded({"type": "xstate.stateIn"}), f"{GUARD}.stateValue", "expected a state value (a string or an object), got null"),
    (guarded({"type": "xstate.stateIn", "state": "open"}), f"{GUARD}.state", "a guard of the type 'xstate.stateIn' has no member 'state'"),
    (pay(guards=[]), "$.guards", "expected an object, got an array"),
    (pay(guards={"rich": expr("true")}), '$.guards.rich["@expr"]', "the meaning of a guard has no member '@expr'"),
    (pay(guards={"rich": "true"}), "$.guards.rich", 'expected {"when": an expression}, got a string'),
    (pay(guards={"rich": {"when": {}}}), "$.guards.rich.when", 'expected {"@expr": the text of an expression}, got an object without it'),
    (pay(guards={"rich": {}}), "$.guards.rich", 'expected {"when": an expression}, got an object without it'),
    (pay(guards={"rich": {"when": "context.paid > 1"}}), "$.guards.rich.when", 'expected {"@expr": the text of an expression}, got a string'),
    (pay(guards={"rich": {"when": expr("input.a")}}), "$.guards.rich.when",
     "\"input\" is not known here: known are context, event, now, params at line 1, column 1"),
    (pay(initial={"target": "open", "guard": "rich"}), "$.initial.guard", "an initial transition has no guard"),
    (pay(initial={"target": "open", "guard": None}), "$.initial.guard", "an initial transition has no guard"),
    # actions
    (acting("@xstate.assign"), ACTION, "the built-in action '@xstate.assign' needs its members: an object"),
    (acting({"type": "@xstate.assgin"}), f"{ACTION}.type", "the built-in action '@xstate.assgin' is none that there is; did you mean '@xstate.assign'?"),
    (acting({"type": "@xstate.assign"}), f"{ACTION}.context", "expected an object of the members to set, got null"),
    (acting({"type": "@xstate.assign", "context": expr("context")}), f"{ACTION}.context",
     "expected an object of the members to set, got an expression"),
    (acting({"type": "@xstate.assign", "assignment": {}}), f"{ACTION}.assignment", "an assignment has no member 'assignment'"),
    (pay({"context": [1]}), "$.states.open.on.PAY[0].context", "expected an object of the members to set, got an array"),
    (acting({"type": "@xstate.raise"}), f"{ACTION}.event", "expected an event (a name or an object), got null"),
    (acting({"type": "@xstate.raise", "event": expr("event")}), f"{ACTION}.event", "expected an event (a name or an object), got an object"),
    (acting({"type": "@xstate.raise", "event": {"amount": 3}}), f"{ACTION}.event", 'an event object needs its name in "type"'),
    (acting({"type": "@xstate.raise", "event": "X", "delay": -1}), f"{ACTION}.delay",
     "expected a delay (milliseconds or a text), got a number that is none"),
    (acting({"type": "@xstate.raise", "event": "X", "delay": 1, "id": 2}), f"{ACTION}.id",
     "expected an id (a string), got a number"),
    (acting({"type": "@xstate.emit", "event": ""}), f"{ACTION}.event", "expected an event (a name or an object), got a string"),
    (acting({"type": "@xstate.cancel", "id": 3}), f"{ACTION}.id", "expected an id (a string), got a number"),
    (acting({"type": "xstate.assign"}), f"{ACTION}.type", "the built-in action 'xstate.assign' is code; as data it is '@xstate.assign'"),
    (acting({"type": "xstate.spawnChild"}), f"{ACTION}.type", "the built-in action 'xstate.spawnChild' is code"),
    (pay(actions=["a"]), "$.actions", "expected an object, got an array"),
    (pay(actions={"mail": {"params": 1}}), "$.actions.mail", 'an action object needs its name in "type"'),
    (pay(actions={"mail": None}), "$.actions.mail", "null where an action belongs: code was lost on the way to JSON: name it"),
    (pay(actions={"mail": ["a", None]}), "$.actions.mail[1]",
     "null where an action belongs: code was lost on the way to JSON: name it"),
    (pay(actions={"mail": [["a"]]}), "$.actions.mail[0]", "expected an action (a name or an object), got an array"),
    (acting({"type": "bill", "param": 1}, actions={"bill": "mail"}), f"{ACTION}.param",
     "an action has no member 'param'; did you mean 'params'?"),
    # who has which members
    ({**pay(), "states": {"open": {"context": {"a": 1}}}}, "$.states.open.context", "a state has no member 'context': only the top level has it"),
    ({**pay(), "states": {"open": {"guards": {"a": 1}}}}, "$.states.open.guards", "a state has no member 'guards': only the top level has it"),
    ({**pay(), "states": {"open": {"guard": None}}}, "$.states.open.guard", "a state has no member 'guard'"),
    # states inside final ones, which XState takes and never enters
    ({"initial": "a", "states": {"a": {"on": {"E": "b.c"}}, "b": {"type": "final", "initial": "c", "states": {"c": {}}}}},
     "$.states.a.on.E", "'b.c' is inside a final state, and never active"),
    ({"initial": "a", "current": "b.c", "states": {"a": {}, "b": {"type": "final", "initial": "c", "states": {"c": {}}}}},
     "$.current", "'c' is inside a final state, and never active"),
]  # fmt: skip

DONE = {"initial": "a", "states": {"a": {"on": {"E": "b"}}, "b": {"type": "final"}}}


def snapshot(**members: Any) -> dict[str, Any]:
    return pay({"actions": assign(paid=1)}, snapshot={"value": "open", "status": "active", **members})


DEADLINE: dict[str, Any] = {"id": "late", "event": {"type": "LATE"}, "due": 1, "timer": "late@1"}


def waiting(**said: Any) -> dict[str, Any]:
    """A machine that waits, with a snapshot."""
    states = {"open": {"after": {"1000": "paid"}}, "paid": {}}
    return {"id": "order", "initial": "open", "states": states, "snapshot": {"value": "open", **said}}


SNAPSHOTS: list[tuple[dict[str, Any], str, str]] = [
    (pay(snapshot=[]), "$.snapshot", "expected an object, got an array"),
    (snapshot(status="stopped"), "$.snapshot.status", "expected one of active, done, error, got 'stopped'"),
    (snapshot(status=1), "$.snapshot.status", "expected one of active, done, error, got a number"),
    (snapshot(status="done"), "$.snapshot.status", "the machine is active where it stands"),
    ({**DONE, "snapshot": {"value": "b", "status": "active"}}, "$.snapshot.status", "the machine is done where it stands"),
    ({**DONE, "snapshot": {"value": "a", "context": {"a": 1}}}, "$.snapshot.context", "the document has no context, and assigns to none"),
    (snapshot(context=[1]), "$.snapshot.context", "expected an object, got an array"),
    (snapshot(value=["open"]), "$.snapshot.value", "expected a string or an object, got an array"),
    ({**snapshot(), "current": "opne"}, "$.current", "no state 'opne'; did you mean 'open'?"),
    (snapshot(value="opne"), "$.snapshot.value", "no state 'opne'; did you mean 'open'?"),
    # deadlines and tasks
    (snapshot(deadlines=[DEADLINE]), "$.snapshot", "the document has neither deadlines nor tasks"),
    (waiting(deadlines={}), "$.snapshot.deadlines", "expected an array, got an object"),
    (waiting(deadlines=[{**DEADLINE, "event": {}}]), "$.snapshot.deadlines[0].event.type", "expected the name of an event"),
    (waiting(deadlines=[{**DEADLINE, "status": "soon"}]), "$.snapshot.deadlines[0].status", "expected one of waiting, due, failed"),
    (waiting(deadlines=[{**DEADLINE, "id": 1}]), "$.snapshot.deadlines[0].id", "expected a string, got a number"),
    (waiting(deadlines=[{**DEADLINE, "due": -1}]), "$.snapshot.deadlines[0].due", "expected Unix milliseconds"),
    (waiting(deadlines=[{**DEADLINE, "timer": "x@1"}]), "$.snapshot.deadlines[0].timer", "expected a handle: the id, an '@' and a number"),
]  # fmt: skip


def ready(*candidates: Any, **members: Any) -> dict[str, Any]:
    return pay(*candidates, **{"context": {"paid": 0, "list": [1, 2], "text": "x"}, **members})


WITH_DATA: list[dict[str, Any]] = [
    ready({"guard": expr("context.paid + event.amount > 2"), "actions": assign(paid=expr("context.paid + event.amount"))}),
    ready({"guard": expr("context.list.all(x, x > 0) && inState('open')"), "actions": [
        assign(list=expr("context.list.map(x, x + 1)")),
        {"type": "mail", "params": {"all": [expr("context.list"), {"text": expr("event.text")}]}},
        {"type": "@xstate.raise", "event": {"type": "E", "list": expr("context.list")}},
        {"type": "@xstate.emit", "event": "PAID"},
        {"type": "@xstate.log", "args": [expr("context.paid")]},
    ]}),
    ready({"guard": {"type": "xstate.and", "guards": [
        {"type": "xstate.not", "guard": "rich"}, {"type": "xstate.or", "guards": ["poor", expr("event.ok")]},
        {"type": "xstate.stateIn", "stateValue": "open"},
    ]}, "target": "paid"}),
    ready({"guard": {"type": "covers", "params": {"most": expr("context.paid")}}, "target": "paid"}, {"actions": "bill"},
          guards={"covers": {"when": expr("params.most > 3")}},
          actions={"bill": ["mail", assign(paid=expr("context.paid + 1"))]}),
    ready({"guard": expr("context.nothing"), "target": "paid"}),
    ready({"actions": assign(paid=expr("context.list.nothing"))}),
    {"initial": "a", "context": {"n": 0}, "output": expr("event.output"), "states": {
        "a": {"on": {"PAY": "b"}}, "b": {"always": [{"guard": expr("context.n >= 3"), "target": "c"}, {"actions": assign(n=expr("context.n + 1"))}]},
        "c": {"type": "final", "output": expr("context.n")}}},
    {"initial": "a", "context": {"n": 0}, "states": {"a": {"on": {"PAY": "b"}}, "b": {"always": {"actions": assign(n=expr("context.n + 1"))}}}},
]  # fmt: skip
"""What is taken, for machines with data."""


class Refused(NamedTuple):
    """A document, what is asked of its definition, the code of the error and how it goes on."""

    document: dict[str, Any]
    ask: Callable[[Definition], object]
    code: str
    error: str


SMALL = Limits(context_bytes=100, expression_steps=50, nesting=6)


def given(**members: Any) -> Given:
    return Given(limits=SMALL, **members)


def sent(document: dict[str, Any], code: str, error: str, context: str = '{"paid":0}', **members: Any) -> Refused:
    """``PAY`` is sent to the machine in ``open``."""

    def ask(definition: Definition) -> object:
        return definition.send(Machine(definition.start(given()).configuration, context.encode()), "PAY", given(**members))

    return Refused(document, ask, code, error)


def admitted(machine: Machine, error: str, document: dict[str, Any] | None = None) -> Refused:
    return Refused(document or acting(assign(paid=1)), lambda definition: definition.admit_data(machine, SMALL), "ERR", error)


FLAT = {"map": {"a": ["b"]}, "initial": "a"}
PLAIN = guarded("rich")
SPENDING = " + ".join(["1"] * 60)
LONG = b'{"text":"' + b"x" * 100 + b'"}'

STEPS: dict[str, Refused] = {
    # what is given
    "DATA that is no JSON": sent(PLAIN, "ERR", "DATA at $: not JSON", data=b"{"),
    "DATA that is no object": sent(PLAIN, "ERR", "DATA at $: expected an object, got an array", data=b"[]"),
    "DATA with a type": sent(PLAIN, "ERR", "DATA at $.type: the event's name is an argument of its own", data=b'{"type":"X"}'),
    "DATA of many bytes": sent(PLAIN, "ERR", "DATA: 111 bytes, more than max-context-bytes (100) allows", data=LONG),
    "INPUT of many bytes": Refused(PLAIN, lambda d: d.start(given(input=LONG)), "ERR", "INPUT: 111 bytes, more than"),
    "INPUT that is no object": Refused(PLAIN, lambda d: d.start(given(input=b"1")), "ERR", "INPUT at $: expected an object, got a number"),
    "a guard that is not the client's": sent(
        PLAIN, "ERR", "guard 'rihc' is not the client's to decide; did you mean 'rich'?", guards=frozenset({"rihc"})
    ),
    "a guard that is like no other": sent(
        PLAIN, "ERR", "guard 'q' is not the client's to decide; known are 'rich'", guards=frozenset({"q"})
    ),
    "a guard of the client's, of a map": Refused(
        FLAT, lambda d: d.send(Machine(b"a"), "b", given(guards=frozenset({"q"}))), "ERR",
        "guard 'q' is not the client's to decide: a map has no guards",
    ),
    "DATA that is no JSON, of a map": Refused(FLAT, lambda d: d.send(Machine(b"a"), "b", given(data=b"{")), "ERR", "DATA at $: not JSON"),
    "INPUT that is no object, of a map": Refused(FLAT, lambda d: d.start(given(input=b"1")), "ERR", "INPUT at $: expected an object"),
    "a guard that is not the client's, beside a state": Refused(
        PLAIN, lambda d: d.enter("paid", None, SMALL, given(guards=frozenset({"q"}))), "ERR", "guard 'q' is not the client's to decide"
    ),
    "a guard where the client has none": sent(
        pay(), "ERR", "guard 'q' is not the client's to decide: this machine has none that are", guards=frozenset({"q"})
    ),
    "a report of a task": Refused(
        pay(), lambda d: d.send(Machine(b"\x01\x01", b"{}"), "xstate.done.actor.x", given()), "ERR",
        "'xstate.done.actor.x' says how a task ended: no client can send it",
    ),
    # guards that the client decides
    "a guard that was not said": sent(PLAIN, "GUARD", "the client decides 'rich': say which hold with GUARDS"),
    "a guard that was not said, of a start": Refused(
        {"initial": "a", "states": {"a": {"always": {"guard": "rich", "target": "b"}}, "b": {}}},
        lambda d: d.start(given()), "GUARD", "the client decides 'rich': say which",
    ),
    "a guard that was not said, asked by SM.CAN": Refused(
        PLAIN, lambda d: d.can(Machine(d.start(given()).configuration, b"{}"), "PAY", given()), "GUARD", "the client decides 'rich'"
    ),
    # expressions
    "a guard that fails": sent(guarded(expr("context.nothing > 1")), "EXPR", f"{GUARD}: "),
    "a guard that is no bool": sent(guarded(expr("context.paid")), "EXPR", f"{GUARD}: a guard is true or false, and this one is neither"),
    "many guards of the client's": sent(
        pay(*[{"guard": "rich", "target": "paid"}] * 60), "EXPR",
        "the guards and actions of this step take more than max-expression-steps (50) allows", guards=frozenset(),
    ),
    "a guard of many steps": sent(
        guarded(expr(SPENDING + " > 1")), "EXPR", f"{GUARD}: the expressions of this step take more than max-expression-steps (50) allows"
    ),
    "a value of many steps": sent(
        acting(assign(paid=expr("[1, 2, 3, 4, 5, 6, 7, 8, 9].map(x, [x, x, x])"))), "EXPR",
        f"{ACTION}.context.paid: the expressions of this step take more than max-expression-steps (50) allows",
    ),
    "a value whose JSON takes many steps": sent(
        acting(assign(paid=expr("[context.a, context.a, context.a, context.a]"))), "EXPR",
        f"{ACTION}.context.paid: the expressions of this step take more than max-expression-steps (50) allows",
        context='{"a":[' + ",".join(["1"] * 40) + "]}",
    ),
    "a value that fails": sent(acting(assign(paid=expr("1 / 0"))), "EXPR", f"{ACTION}.context.paid: "),
    "a value that is no JSON": sent(acting(assign(paid=expr("0.0 / 0.0"))), "EXPR", f"{ACTION}.context.paid: "),
    "params that fail": sent(acting({"type": "mail", "params": {"a": expr("event.to")}}), "EXPR", f"{ACTION}.params.a: "),
    "a delay that is none": sent(
        acting({"type": "@xstate.raise", "event": "LATE", "delay": expr("-1")}), "EXPR", f"{ACTION}.delay: '-1' is no delay",
    ),
    "an id of a deadline that is no text": sent(
        acting({"type": "@xstate.cancel", "id": expr("1")}), "EXPR", f"{ACTION}.id: the id of a delayed event is a string",
    ),
    "a deadline that gives no event": Refused(
        pay(), lambda d: d.fire(Machine(b"\x01\x01", b"{}"), b"[]", given()), "ERR", "what the deadline gives is no event"
    ),
    "a guard that was not said, of a task's end": Refused(
        {"initial": "a", "states": {"a": {"invoke": {"src": "work", "id": "w", "onError": {"guard": "rich", "target": "b"}}}, "b": {}}},
        lambda d: d.report(Machine(d.start(given()).configuration), "w", None, True, given()), "GUARD", "the client decides 'rich'",
    ),
    "an event without a name": sent(
        acting({"type": "@xstate.raise", "event": {"type": expr("context.paid")}}), "EXPR",
        f'{ACTION}.event: the "type" of an event is its name, a string',
    ),
    # the context
    "a context of many bytes": sent(
        acting(assign(paid=expr("event.text"))), "ERR", "the context would be 110 bytes, more than max-context-bytes (100) allows",
        data=b'{"text":"' + b"x" * 89 + b'"}', context='{"other":1}',
    ),
    "a context of many levels": sent(
        acting(assign(paid=[[expr("event.list")]])), "ERR", "the context would be nested deeper than max-nesting (6) allows",
        data=b'{"list":' + b"[" * 4 + b"]" * 4 + b"}",
    ),
    "a stored context that is two": sent(acting(assign(paid=1)), "ERR", "the stored context is not JSON", context="{}{}"),
    "a stored context that is none": sent(acting(assign(paid=1)), "ERR", "the stored context is not JSON", context="{"),
    "a stored context that is empty": sent(acting(assign(paid=1)), "ERR", "the stored context is not JSON", context=""),
    "a context that is no object": sent(
        acting(assign(paid=1)), "ERR", "the context is no object: nothing can be assigned to its members", context="[]"
    ),
    # what comes from outside
    "no context where one is kept": admitted(Machine(b"\x01\x01"), "context: it has none"),
    "a context where none is kept": admitted(Machine(b"\x01\x01", b"{}"), "context: the document has none", DONE),
    "a stored context of many bytes": admitted(Machine(b"\x01\x01", LONG), "context: 111 bytes, more than max-context-bytes (100) allows"),
    "a stored context that is no JSON": admitted(Machine(b"\x01\x01", b'{"a":'), "context: not JSON"),
    "a stored context that is no object": admitted(Machine(b"\x01\x01", b"[]"), "context: expected an object"),
    "a stored context of many levels": admitted(Machine(b"\x01\x01", b'{"a":[[[[]]]]}'), "context: nested deeper than max-nesting (6) allows"),
    "an output of a machine that is not done": admitted(Machine(b"\x01\x01", b"{}", b"1"), "output: the machine is not done where it stands"),
    "two stored contexts": admitted(Machine(b"\x01\x01", b'{},"other":{}'), "context: not JSON: more than one value"),
    "a context of a map": admitted(Machine(b"a", b"{}"), "context: a flat machine keeps no data", FLAT),
    "changes that are no JSON": Refused(FLAT, lambda _: merge(b"{}", b"{"), "ERR", "the context, or what changes in it, is not JSON"),
    "changes of no object": Refused(FLAT, lambda _: merge(b"[]", b"{}"), "ERR", "only the members of an object can change"),
}  # fmt: skip
