"""What the engine refuses: for each place in it that refuses something, an input that comes there.

``CHARTS`` and ``MAPS`` are refused by SM.SET, each with its place. ``DOCUMENTS`` are all of these and more, by name, as
bytes; ``CURRENTS`` are refused as SM.SET's third argument. What is refused for its size is so within ``LIMITS``.
"""

# ruff: noqa: E501

from __future__ import annotations

import json
from typing import Any

from sm_core import Limits
from tests import refused_data

ORDER: dict[str, Any] = {
    "id": "order",
    "initial": "created",
    "states": {
        "created": {"on": {"PAY": "paid"}},
        "paid": {"on": {"SHIP": "shipped"}, "id": "money"},
        "shipped": {"type": "final"},
    },
}


def order(**members: Any) -> dict[str, Any]:
    """The order chart, its ``paid`` state extended."""
    document: dict[str, Any] = json.loads(json.dumps(ORDER))
    document["states"]["paid"].update(members)
    return document


def root(**members: Any) -> dict[str, Any]:
    return {**ORDER, **members}


def outbox(said: Any) -> dict[str, Any]:
    return root(store={"outbox": said})


def two(**members: Any) -> dict[str, Any]:
    """A parallel state p with the regions r1 and r2, each with x and y, and a state to start from."""
    region = {"initial": "x", "states": {"x": {}, "y": {}}}
    states = {"a": members, "p": {"type": "parallel", "states": {"r1": region, "r2": region}}}
    return {"initial": "a", "states": states}


def history(**members: Any) -> dict[str, Any]:
    inside = {"b": {}, "c": {"initial": "d", "states": {"d": {}}}, "h": {"type": "history", **members}}
    return {"initial": "a", "states": {"a": {"initial": "b", "states": inside}, "e": {}}}


STORE = "'outbox', 'history', 'idempotency', 'expire'"
LOST = "null where an action belongs: code was lost on the way to JSON: name it"

CHARTS: list[tuple[dict[str, Any], str, str]] = [
    ({"states": []}, "$.states", "expected an object, got an array"),
    ({"states": {}}, "$", "the top level needs states"),
    ({"states": {"a": {}}}, "$", "a compound state needs \"initial\", as 'a'"),
    ({"states": {"a": {}}, "type": "parallel", "on": {"E": "a"}}, "$.on.E", "no state 'a' beside the root; did you mean '.a'?"),
    (root(initial="creatd"), "$.initial", "no state 'creatd'; did you mean 'created'?"),
    (root(initial={"target": "creatd"}), "$.initial.target", "no state 'creatd'; did you mean 'created'?"),
    (root(initial=["created"]), "$.initial", "expected a string or an object, got an array"),
    (root(initial={"target": ["created", "paid"]}), "$.initial.target", "an initial transition has one target"),
    (root(initial="#nowhere"), "$.initial", "no state with the id 'nowhere'"),
    (root(initial="#order"), "$.initial", "'#order' is not a child of this state"),
    (root(type="final"), "$.type", "the top level cannot be of the type 'final'"),
    (root(type="paralell"), "$.type", "no type 'paralell'; did you mean 'parallel'?"),
    (root(type=3), "$.type", "expected one of atomic, compound, parallel, final, history, got a number"),
    (root(target="created"), "$.target", "a state has no member 'target'"),
    (root(contxt={}), "$.contxt", "a state has no member 'contxt'; did you mean 'context'?"),
    (root(sates={}), "$.sates", "a state has no member 'sates'; did you mean 'states'?"),
    (root(store=3), "$.store", "expected an object, got a number"),
    (root(store={"outbx": 5}), "$.store.outbx", f"unknown member; known are {STORE}"),
    (root(store={"history": 0}), "$.store.history", "expected an integer that is at least 1"),
    (root(store={"history": True}), "$.store.history", "expected an integer that is at least 1"),
    (root(store={"history": 1001}), "$.store.history", "1001, more than max-history (1000) allows"),
    (root(store={"idempotency": "64"}), "$.store.idempotency", "expected an integer that is at least 1"),
    (root(store={"idempotency": 10**6}), "$.store.idempotency", "1000000, more than max-idempotency (1000) allows"),
    (root(store={"expire": "soon"}), "$.store.expire", "expected milliseconds, '12h', '30d' or 'P30D', got 'soon'"),
    (root(store={"expire": 0}), "$.store.expire", "expected milliseconds, '12h', '30d' or 'P30D', got 0"),
    (root(store={"expire": [1]}), "$.store.expire", "expected milliseconds, '12h', '30d' or 'P30D', got an array"),
    (outbox("s"), "$.store.outbox", "expected an object, got a string"),
    (outbox({"of": "steps"}), "$.store.outbox", "member 'stream' is missing"),
    (outbox({"stream": "s", "maxlength": 5}), "$.store.outbox.maxlength",
     "unknown member; known are 'stream', 'of', 'maxlen'"),
    (outbox({"stream": ["s"]}), "$.store.outbox.stream", "expected the name of a stream, got an array"),
    (outbox({"stream": ""}), "$.store.outbox.stream", "expected the name of a stream, got an empty one"),
    (outbox({"stream": "{}:{}"}), "$.store.outbox.stream", "more than one {} in the name of a stream"),
    (outbox({"stream": "a\0"}), "$.store.outbox.stream", "a NUL in the name of a stream"),
    (outbox({"stream": "é" * 300}), "$.store.outbox.stream", "longer than 512 bytes"),
    (outbox({"stream": "s", "of": "all"}), "$.store.outbox.of", "expected 'effects' or 'steps', got 'all'"),
    (outbox({"stream": "s", "of": 5}), "$.store.outbox.of", "expected 'effects' or 'steps', got a number"),
    (outbox({"stream": "s", "maxlen": 0}), "$.store.outbox.maxlen", "expected an integer that is at least 1"),
    (outbox({"stream": "s", "maxlen": True}), "$.store.outbox.maxlen", "expected an integer that is at least 1"),
    (outbox({"stream": "s", "maxlen": 1e3}), "$.store.outbox.maxlen", "expected an integer that is at least 1"),
    (order(output=3), "$.states.paid.output", "only a final state and the top level have an output"),
    (root(id=5), "$.id", "expected a string, got a number"),
    (root(version=1), "$.version", "expected a string, got a number"),
    (order(version="2"), "$.states.paid.version", "only the top level has a version"),
    (order(after={"soon": "shipped"}), "$.states.paid.after.soon", "no delay 'soon': milliseconds, '1.5s', 'PT1H'"),
    (order(invoke=[{"id": "x"}]), "$.states.paid.invoke[0].src", "null where the name of a task belongs: code was lost on the way to JSON: name it"),
    (order(key="payed"), "$.states.paid.key", "the key of this state is 'paid'"),
    (order(order="2"), "$.states.paid.order", "expected a number, got a string"),
    (order(tags=["a", 1]), "$.states.paid.tags[1]", "expected a tag (a string), got a number"),
    (order(description=1), "$.states.paid.description", "expected a string, got a number"),
    (order(on={"SHIP": "shiped"}), "$.states.paid.on.SHIP", "no state 'shiped'; did you mean 'shipped'?"),
    (order(on={"SHIP": {"target": "shiped"}}), "$.states.paid.on.SHIP.target", "no state 'shiped'; did you mean 'shipped'?"),
    (order(on={"SHIP": [None, {"target": ["#mony"]}]}), "$.states.paid.on.SHIP[0]",
     "expected a target (a string), an object or an array of these, got null"),
    (order(on={"a b": [{"target": ["#mony"]}]}), '$.states.paid.on["a b"][0].target[0]',
     "no state with the id 'mony'; did you mean '#money'?"),
    (order(on={"SHIP": "#order.paid.x"}), "$.states.paid.on.SHIP", "no state '#order.paid.x': 'paid' has no state 'x'"),
    (order(on={"SHIP": ".x"}), "$.states.paid.on.SHIP", "no state '.x'"),
    (order(on={"SHIP": "paid..x"}), "$.states.paid.on.SHIP", "no state 'paid..x': 'paid' has no state ''"),
    (order(on={"SHIP": {"target": 1}}), "$.states.paid.on.SHIP.target", "expected a target (a string), got a number"),
    (order(on={"SHIP": {"delay": 1}}), "$.states.paid.on.SHIP.delay", "'delay' is not supported yet"),
    (order(on={"SHIP": {"cond": "x"}}), "$.states.paid.on.SHIP.cond", "a transition has no member 'cond': XState 5 calls it 'guard'"),
    (order(on={"SHIP": {"reenter": 1}}), "$.states.paid.on.SHIP.reenter", "expected true or false, got a number"),
    (order(on={"SHIP": {"source": "#x"}}), "$.states.paid.on.SHIP.source", "it stands in '#money'"),
    (order(on={"SHIP": {"eventType": "X"}}), "$.states.paid.on.SHIP.eventType", "it stands under 'SHIP'"),
    (order(on={"": "shipped"}), '$.states.paid.on[""]',
     "an event needs a name; a transition without an event stands in 'always'"),
    (order(on=["SHIP"]), "$.states.paid.on", "expected an object, got an array"),
    (order(on={"SHIP": 1}), "$.states.paid.on.SHIP",
     "expected a target (a string), an object or an array of these, got a number"),
    (order(onDone="nowhere"), "$.states.paid.onDone", "no state 'nowhere'"),
    (order(transitions=[]), "$.states.paid.transitions", "it does not say the same as 'on'"),
    (order(entry=["a", None]), "$.states.paid.entry[1]",
     LOST),
    (order(entry=[["a"]]), "$.states.paid.entry[0]", "expected an action (a name or an object), got an array"),
    (order(transitions={}), "$.states.paid.transitions", "expected an array, got an object"),
    (order(entry={"params": {}}), "$.states.paid.entry", 'an action object needs its name in "type"'),
    (order(entry=""), "$.states.paid.entry", "an action needs a name"),
    (order(exit=[{"type": "a", "delay": 3}]), "$.states.paid.exit[0].delay", "'delay' is not supported yet"),
    (order(exit={"type": "xstate.raise"}), "$.states.paid.exit.type",
     "the built-in action 'xstate.raise' is code; as data it is '@xstate.raise'"),
    (order(type="atomic", states={"a": {}}), "$.states.paid.states", "an atomic state has no states inside it"),
    (order(type="compound"), "$.states.paid", "a compound state needs states inside it"),
    (order(type="parallel"), "$.states.paid", "a parallel state needs states inside it"),
    (order(type="parallel", states={"h": {"type": "history"}}), "$.states.paid",
     "a parallel state needs states inside it"),
    (order(target="shipped"), "$.states.paid.target", "only a history state has a target of its own"),
    (order(type="atomic", history="deep"), "$.states.paid.history", "only a history state has a history"),
    (order(initial="x"), "$.states.paid.initial", "no state 'x'"),
    (order(states={"x": 1}, initial="x"), "$.states.paid.states.x", "expected a state (an object), got a number"),
    (order(states={"": {}}, type="parallel"), '$.states.paid.states[""]', "a state needs a name"),
    (order(states={"#a": {}}, initial="#a"), '$.states.paid.states["#a"]',
     "a state's name cannot start with '#', which starts an id in a target"),
    (order(id="order"), "$.states.paid.id", "the id 'order' is that of $ already"),
    (order(id="order.created"), "$.states.paid.id", "the id 'order.created' is that of $.states.created already"),
    (root(states={"a": {"initial": "b", "states": {"b": {}}}, "a.b": {}}, initial="a"), '$.states["a.b"]',
     "the id 'order.a.b' is that of $.states.a.states.b already"),
    (two(on={"E": ["p.r1.x"], "F": {"target": ["p.r1.x", "p.r1.y"]}}), "$.states.a.on.F.target[1]",
     "targets 'p.r1.y' and 'p.r1.x', which cannot both be active"),
    (two(on={"F": {"target": ["p", "p.r1.y"]}}), "$.states.a.on.F.target[1]",
     "targets 'p.r1.y' beside another that it is inside"),
    (two(on={"F": {"target": ["p.r1.y", "p"]}}), "$.states.a.on.F.target[1]",
     "targets 'p' beside another that is inside it"),
    (two(on={"F": {"target": ["p.r1.y", "a"]}}), "$.states.a.on.F.target[1]",
     "targets 'a' and 'p', which cannot both be active"),
    (history(target="x"), "$.states.a.states.h.target", "no state 'x'"),
    (history(target="#(machine).e"), "$.states.a.states.h.target",
     "the target of a history state lies inside its parent, '#(machine).e' does not"),
    (history(target="h"), "$.states.a.states.h.target", "'h' is a history state, which cannot stand in for another"),
    (history(target=["b", "c"]), "$.states.a.states.h.target[1]", "targets 'a.c' and 'a.b', which cannot both be active"),
    (history(history="deepest"), "$.states.a.states.h.history", "expected 'shallow' or 'deep'; where it leads while it holds nothing is its 'target'"),
    (history(on={"E": "b"}), "$.states.a.states.h.on", "a history state is never active: it has none"),
    (history(states={"x": {}}), "$.states.a.states.h.states", "a history state has no states inside it"),
    ({"initial": "h", "states": {"h": {"history": "deep"}, "a": {}}}, "$.states.h",
     'a history state that is initial needs a "target"'),
    # hints are what is to be written
    ({"initial": "v1.0", "states": {"v1.0": {"on": {"X": "v2.0"}}, "v2.0": {}}}, '$.states["v1.0"].on.X',
     "no state 'v2.0': a dot that belongs to a name has a backslash before it; did you mean 'v2\\.0' (in JSON \"v2\\\\.0\")?"),
    ({"initial": "a", "states": {"a": {"on": {"X": "v2.o"}}, "v2.0": {}}}, "$.states.a.on.X",
     "no state 'v2.o': a dot that belongs to a name has a backslash before it; did you mean 'v2\\.0' (in JSON \"v2\\\\.0\")?"),
    ({"initial": "a", "states": {"a": {"on": {"X": "#w.y.1"}}, "b": {"id": "w", "initial": "y.1", "states": {"y.1": {}}}}},
     "$.states.a.on.X", "no state '#w.y.1': a dot that belongs to a name has a backslash before it; "
     "did you mean '#w.y\\.1' (in JSON \"#w.y\\\\.1\")?"),
    ({"initial": "a", "states": {"a": {"on": {"X": "#com.acme.b"}}, "b": {"id": "x"}}, "id": "com.acme"}, "$.states.a.on.X",
     "no state with the id 'com'; did you mean '#com\\.acme.b' (in JSON \"#com\\\\.acme.b\")?"),
    ({"initial": "v1\\.0", "states": {"v1.0": {}}}, "$.initial", "no state 'v1\\\\.0'; did you mean 'v1.0'?"),
    ({"initial": "a", "states": {"a": {"on": {"X": "b.Dd"}}, "b": {"initial": "dd", "states": {"dd": {}}}}}, "$.states.a.on.X",
     "no state 'b.Dd': 'b' has no state 'Dd'; did you mean 'b.dd'?"),
    (root(on={"E": "shiped"}), "$.on.E", "no state 'shiped' beside the root; did you mean '.shipped'?"),
    (root(on={"E": "#ordr.paid"}), "$.on.E", "no state with the id 'ordr'; did you mean '#order.paid'?"),
    (root(initial="Created"), "$.initial", "no state 'Created'; did you mean 'created'?"),
    (root(initial="crea_ted"), "$.initial", "no state 'crea_ted'; did you mean 'created'?"),
    (root(maxIterations=3), "$.maxIterations", "a state has no member 'maxIterations': it is a member of the top level's 'options'"),
    (root(Initial="created"), "$.Initial", "a state has no member 'Initial'; did you mean 'initial'?"),
    # what only the top level has
    (order(types={}), "$.states.paid.types", "a state has no member 'types': only the top level has it"),
    (order(options={}), "$.states.paid.options", "a state has no member 'options': only the top level has it"),
    (root(options=3), "$.options", "expected an object, got a number"),
    (root(options={"maxiterations": 3}), "$.options.maxiterations",
     "the member 'options' has no member 'maxiterations'; did you mean 'maxIterations'?"),
    *((root(options={"maxIterations": most}), "$.options.maxIterations", "expected a number that is at least 1")
      for most in (0, -1, 0.5, "5", True, [])),
    (order(output={}, route={"a": 1}), "$.states.paid.route", "'route' is not supported yet"),
    (order(route={"guard": "x"}), "$.states.paid.route", "'route' is not supported yet"),
    # XState 4
    (order(onEntry="x"), "$.states.paid.onEntry", "a state has no member 'onEntry': XState 5 calls it 'entry'"),
    (order(onExit="x"), "$.states.paid.onExit", "a state has no member 'onExit': XState 5 calls it 'exit'"),
    (order(activities=[]), "$.states.paid.activities", "a state has no member 'activities': XState 5 calls it 'invoke'"),
    (order(type="final", data={}), "$.states.paid.data", "a state has no member 'data': XState 5 calls it 'output'"),
    (order(parallel=True), "$.states.paid.parallel", 'a state has no member \'parallel\': XState 5 has "type": "parallel"'),
    (root(strict=True), "$.strict", "a state has no member 'strict': XState 5 has none; a transition for '*' takes what no other does"),
    (root(delimiter="/"), "$.delimiter", "a state has no member 'delimiter': XState 5 has none; '.' is between the names in a target"),
    (order(on={"SHIP": {"internal": True}}), "$.states.paid.on.SHIP.internal",
     "a transition has no member 'internal': XState 5 has 'reenter', which says the opposite"),
    (order(on={"SHIP": {"in": "#x"}}), "$.states.paid.on.SHIP.in",
     'a transition has no member \'in\': XState 5 has the guard {"type": "xstate.stateIn"}'),
    (order(on={"SHIP": {"history": True}}), "$.states.paid.on.SHIP.history",
     "a transition has no member 'history': XState 5 has states of the type 'history', which are targets"),
    (order(entry={"type": "a", "exec": None}), "$.states.paid.entry.exec",
     "an action has no member 'exec': code is not taken: the action's name is its 'type'"),
    # null where code stood
    (order(on={"SHIP": {"guard": None}}), "$.states.paid.on.SHIP.guard",
     "null where a guard belongs: code was lost on the way to JSON: name it"),
    (order(on={"SHIP": {"guard": {}}}), "$.states.paid.on.SHIP.guard", 'a guard object needs its name in "type"'),
    *((order(**{name: None}), f"$.states.paid.{name}", LOST) for name in ("entry", "exit")),
    *((order(**{name: ["a", None]}), f"$.states.paid.{name}[1]", LOST) for name in ("entry", "exit")),
    (order(always={"target": "shipped", "actions": None}), "$.states.paid.always.actions", LOST),
    (order(always={"target": "shipped", "actions": [None]}), "$.states.paid.always.actions[0]", LOST),
    (root(initial={"target": "created", "actions": None}), "$.initial.actions", LOST),
    # where the document says that the machine stands
    (root(current="payd"), "$.current", "no state 'payd'; did you mean 'paid'?"),
    (root(current=5), "$.current", "expected a string or an object, got a number"),
    (root(current={"paid": {"x": {}}}), "$.current.paid.x", "no state 'x'"),
    (root(current={"paid": {}, "created": {}}), "$.current", "only one state of a compound state can be active"),
    ({**history(), "current": "a.h"}, "$.current", "'h' is a history state, which is never active"),
    (root(historyValue=[]), "$.historyValue", "expected an object, got an array"),
    ({**history(), "historyValue": {"(machine).a.H": []}}, '$.historyValue["(machine).a.H"]',
     "no history state with the id '(machine).a.H'; did you mean '(machine).a.h'?"),
    *(({**history(), "historyValue": {"(machine).a.h": value}}, f'$.historyValue["(machine).a.h"]{place}', fault)
      for value, place, fault in (
          ({}, "", "expected an array, got an object"),
          (["x"], "[0]", "expected an object, got a string"),
          ([{"key": "x"}], "[0]", 'expected an object with the one member "id"'),
          ([{"id": 3}], "[0]", "expected an id (a string), got a number"),
          ([{"id": "(machine).a.B"}], "[0]", "no state with the id '(machine).a.B'; did you mean '(machine).a.b'?"),
          ([{"id": "(machine).a.b"}] * 2, "[1]", "'(machine).a.b' is listed twice"),
          ([{"id": "(machine).e"}], "", "'e' is not a child of 'a'"),
          ([], "", "0 children of 'a' are held, not 1"),
      )),
    *refused_data.CHARTS,
]  # fmt: skip

MAPS: list[tuple[str | bytes, str]] = [
    # not UTF-8
    (b"\xff", "$"),
    (b'{"map":{"a":["\xff"]},"initial":"a"}', "$"),
    (b'{"map":{},"initial":"a\xc3"}', "$"),
    (b'{"map":{},"initial":"\xed\xa0\x80"}', "$"),
    (b'{"map":{},"initial":"\xc0\x80"}', "$"),
    ('{"map":{},"initial":"a"}'.encode("utf-16"), "$"),
    # not JSON
    ("", "$"),
    (" ", "$"),
    ("{", "$"),
    ("nonsense", "$"),
    ('{"map":{},"initial":"a"', "$"),
    ('{"map":{},"initial":"a",}', "$"),
    ('{"map":{},"initial":"a"}x', "$"),
    ('{"map":{},"initial":"a"}\0', "$"),
    ('{"map":{},"initial":"a"}{}', "$"),
    ("{'map':{},'initial':'a'}", "$"),
    ('{map:{},"initial":"a"}', "$"),
    ('{"map":{},"initial":"a\nb"}', "$"),
    ('{"map":{},"initial":"\0"}', "$"),
    ('{"map":{},"initial":"\\x41"}', "$"),
    ('{"map":{},"initial":"\\u12"}', "$"),
    ('{"map":{},"initial":"a",/**/"id":"x"}', "$"),
    ('\ufeff{"map":{},"initial":"a"}', "$"),
    ('{"map":{},"initial":"a","meta":01}', "$"),
    # a lone surrogate is not text
    ('{"map":{},"initial":"\\ud800"}', "$"),
    ('{"map":{"\\udc00":[]},"initial":"a"}', "$.map"),
    # not an object
    ("[]", "$"),
    ("null", "$"),
    ("1", "$"),
    ('"text"', "$"),
    ("true", "$"),
    # no number
    ('{"map":{},"initial":"a","meta":NaN}', "$"),
    ('{"map":{},"initial":"a","meta":[Infinity]}', "$"),
    ('{"map":{},"initial":"a","meta":{"x":-Infinity}}', "$"),
    ('{"map":{},"initial":"a","meta":1e999}', "$"),
    # a duplicate member
    ('{"map":{},"map":{},"initial":"a"}', "$"),
    ('{"map":{"a":[],"a":["b"]},"initial":"a"}', "$.map"),
    ('{"map":{"a":[],"\\u0061":["b"]},"initial":"a"}', "$.map"),
    ('{"map":{},"initial":"a","meta":{"deep":[{"x":1,"x":2}]}}', "$.meta.deep[0]"),
    # an unknown member
    ('{"map":{},"initial":"a","x":1}', "x"),
    ('{"map":{},"initial":"a","Map":{}}', "Map"),
    ('{"map":{},"initial":"a","":1}', "$"),
    ('{"map":{},"initial":"a","__proto__":1}', "__proto__"),
    # a missing member
    ("{}", "$"),
    ('{"initial":"a"}', "map"),
    ('{"map":{}}', "initial"),
    # a wrong type
    ('{"map":[],"initial":"a"}', "$.map"),
    ('{"map":null,"initial":"a"}', "$.map"),
    ('{"map":"a","initial":"a"}', "$.map"),
    ('{"map":{"a":"b"},"initial":"a"}', "$.map.a"),
    ('{"map":{"a":null},"initial":"a"}', "$.map.a"),
    ('{"map":{"a":{}},"initial":"a"}', "$.map.a"),
    ('{"map":{"a":["b",1]},"initial":"a"}', "$.map.a[1]"),
    ('{"map":{"a":[null]},"initial":"a"}', "$.map.a[0]"),
    ('{"map":{"a":["b",["c"]]},"initial":"a"}', "$.map.a[1]"),
    ('{"map":{},"initial":1}', "$.initial"),
    ('{"map":{},"initial":null}', "$.initial"),
    ('{"map":{},"initial":["a"]}', "$.initial"),
    ('{"map":{},"initial":"a","current":null}', "$.current"),
    ('{"map":{},"initial":"a","current":{"a":"b"}}', "$.current"),
    ('{"map":{},"initial":"a","reason":1}', "$.reason"),
    ('{"map":{},"initial":"a","reason":null}', "$.reason"),
    ('{"map":{},"initial":"a","id":1}', "$.id"),
    ('{"map":{},"initial":"a","version":1}', "$.version"),
    ('{"map":{},"initial":"a","description":["x"]}', "$.description"),
    # a state that is not known
    ('{"map":{"a":["b"]},"initial":"a","current":"c"}', "$.current"),
    ('{"map":{"a":["b"]},"initial":"a","current":"A"}', "$.current"),
    # a state that no row knows
    ('{"map":{"paid":["sent"]},"initial":"piad"}', "$.initial"),
    ('{"map":{"paid":["sent"]},"initial":""}', "$.initial"),
]

LIMITS = Limits(document_bytes=20_000, states=300, nesting=64, elements=1000)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


CIRCLES = (2, 3, 5, 7, 11, 13, 17, 19, 23)
"""Regions that go round in so many states come back together after millions of microsteps."""


def _circle(states: int) -> dict[str, Any]:
    ring = {f"s{number}": {"always": f"s{(number + 1) % states}"} for number in range(states)}
    return {"initial": "s0", "states": ring}


def _many() -> dict[str, bytes]:
    """What is refused for its size, its depth or its work."""
    deep = b"[" * 64 + b"]" * 64
    ring = {"initial": "a", "states": {"a": {"always": "b"}, "b": {"always": "a"}}}
    long_name = "n" * 5000
    inside = {f"s{number}": {} for number in range(100)}
    return {
        "more bytes than the limit": b'{"map":{},"initial":"%b"}' % (b"a" * LIMITS.document_bytes),
        "stored with more bytes than the limit": b'{"map":{},"initial":"a","meta":[%b]}' % b",".join([b"1e15"] * 3500),
        "a chart stored with more bytes than the limit":
            b'{"states":{"a":{}},"initial":"a","meta":[%b]}' % b",".join([b"1e15"] * 3500),
        "brackets that no stack holds": b"[" * 15_000,
        "objects that no stack holds": b'{"a":' * 3_000,
        "deeper than the limit in a map's meta": b'{"map":{},"initial":"a","meta":%b}' % deep,
        "deeper than the limit in a chart": b'{"states":{"a":{}},"initial":"a","meta":%b}' % deep,
        "a number of too many digits": b'{"map":{},"initial":"a","meta":%b}' % (b"9" * 5000),
        "more states than the limit in a map": _json({"map": {f"s{number}": [] for number in range(301)}, "initial": "s0"}),
        "more states than the limit in a large map":
            _json({"map": {f"state{number}": [f"state{number + 1}"] for number in range(301)}, "initial": "state0"}),
        "more states than the limit in a chart":
            _json({"states": {f"s{number}": {} for number in range(301)}, "initial": "s0"}),
        "paths that are too long in sum":
            _json({"states": {long_name: {"type": "parallel", "states": inside}}, "initial": long_name}),
        "automatic transitions without an end": _json({"initial": "a", "states": {"a": ring}}),
        "too many automatic transitions at once":
            _json({"type": "parallel", "states": dict.fromkeys(map(str, range(90)), ring)}),
"more elements than the limit": _json({"initial": "a", "states": {"a": {"entry": ["x"] * 1001}}}),
        "more microsteps than the document allows": _json(
            {"initial": "a", "options": {"maxIterations": 2}, "states": {"a": {"always": "b"}, "b": {"always": "c"}, "c": {}}}
        ),
        "more work than one event may cause": _json({"type": "parallel", "states": {f"r{of}": _circle(of) for of in CIRCLES}}),
        "a chart's reason that is none": _json(root(reason=1)),
        "a history value and a current that is none":
            _json({**history(), "historyValue": {"(machine).a.h": [{"id": "(machine).a.b"}]}, "current": "A"}),
    }  # fmt: skip


DOCUMENTS: list[tuple[str, bytes]] = [
    *((f"chart {number}: {path}: {fault}", _json(document)) for number, (document, path, fault) in enumerate(CHARTS)),
    *(
        (f"map {number} at {path}", document.encode() if isinstance(document, str) else document)
        for number, (document, path) in enumerate(MAPS)
    ),
    *_many().items(),
    *((f"snapshot {number}", _json(document)) for number, (document, _, _) in enumerate(refused_data.SNAPSHOTS)),
]
"""By name, what SM.SET and SM.CHECK refuse."""

README = b'{"map":{"bar":["blee","boo"],"boo":["blee"]},"initial":"bar"}'
ENDLESS = {"initial": "calm", "states": {"calm": {"on": {"GO": "a"}}, "a": {"always": "b"}, "b": {"always": "a"}}}

CURRENTS: list[tuple[str, bytes, bytes]] = [
    ("a map's unknown state", README, b"bo"),
    ("a map's state of many bytes", README, b"b" * 20_001),
    ("not UTF-8", README, b"\xff"),
    *(
        (f"a chart's {current[:30]!r}", _json({**history(), "id": "m"}), current)
        for current in (
            b"A", b"a.B", b"a.h", b"e.x.y", b"." * 1000, b"\\" * 1000, b"a" * 20_001,
            b"{", b"{}x", b'{"a":1}', b'{"a":{"b":{},"c":{}}}', b'{"a":"x","a":"b"}', b'{"a":{"B":{}}}', b'{"a":"h"}',
            b'{"\\ud800":{}}', b'{"a":' * 70 + b"{}" + b"}" * 70, b'{"a":{"b":' + b"[" * 3000,
        )
    ),
    ("one that does not come to rest", _json(ENDLESS), b"a"),
]  # fmt: skip
"""By name, a document and what SM.SET refuses beside it as the third argument."""
