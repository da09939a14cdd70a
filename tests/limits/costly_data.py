"""The most costly charts with data and calls that the default limits let in, or refuse at once: for tests that count
their work, and tests that send them to a server.

Their documents are as large as ``max-elements`` lets them be, or larger. The client's guards all hold not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.documents import compact
from tests.limits.worst_data import Json, acting, answering, assign, expr

NONE = ("GUARDS", "0")
SEND, LOUD = ("SM.SEND", "k", "E", *NONE), ("SM.SEND", "k", "E", *NONE, "EFFECTS")
WHY, CAN = ("SM.CAN", "k", "E", *NONE, "WHY"), ("SM.CAN", "k", "E", *NONE)
MUTATE, FORCE, RESET = (
    ("SM.MUTATE", "k", "z", *NONE),
    ("SM.MUTATE", "k", "z", "FORCE", *NONE),
    ("SM.RESET", "k", *NONE),
)
EVERY = (SEND, LOUD, CAN, WHY, MUTATE, FORCE, RESET)


class Costly(NamedTuple):
    """A document, and calls of its machine at the key ``k``."""

    document: str
    calls: tuple[tuple[str, ...], ...] = EVERY


def raise_(name: str, **members: Any) -> Json:
    return {"type": "@xstate.raise", "event": {"type": name, **members}}


MORE = assign(n=expr("context.n + 1"))


def looping(*candidates: Json, **members: Any) -> Costly:
    """Asks the candidates after E again and again."""
    states = {"a": {"on": {"E": "b"}}, "b": {"always": list(candidates)}, "z": {}}
    document = {"initial": "a", "context": {"n": 0}, "states": states, **members}
    return Costly(compact(document))


def raising(*actions: Json, context: Any = 0) -> Costly:
    """An event that raises itself."""
    return Costly(compact(answering({"actions": [*actions, raise_("E")]}, context={"n": context})))


def guarded(text: str, count: int = 1, **members: Any) -> str:
    return compact(answering(*[{"guard": expr(text), "target": "z"}] * count, **members))


def negated(guard: Any, levels: int) -> Any:
    for _ in range(levels):
        guard = {"type": "xstate.not", "guard": guard}
    return guard


def every(guard: Any, count: int) -> Json:
    return {"type": "xstate.and", "guards": [guard] * count}


IN_B = {"type": "xstate.stateIn", "stateValue": "b"}


def sent(data: str) -> tuple[tuple[str, ...], ...]:
    return ((*LOUD, "DATA", data), (*WHY, "DATA", data), (*MUTATE, "DATA", data), ("SM.RESET", "k", "INPUT", data))


ITEMS = compact({"x": [*range(12_000)]})
TEXT = compact({"x": "y" * 65_000})

DOCUMENTS: dict[str, Costly] = {
    "many expressions": Costly(compact(acting(assign(**{f"m{number}": expr("context.n+1") for number in range(890)})))),
    "one expression too many": Costly(compact(acting(assign(**{f"m{n}": expr("context.n+1") for n in range(1500)})))),
    **{
        f"dense: {text[:20]}": Costly(guarded(text, 100))
        for text in (
            "+".join(["1"] * 300), "!" * 600 + "true", "(" * 300 + "1", "1+" * 300, "context.n<0||" * 45 + "false",
            "[1].all(x," * 15 + "true" + ")" * 15, "{1:" * 100 + "1" + "}" * 100, "nothing" + ".a" * 300,
        )
    },
    "faults of 16 KB": Costly(guarded("1+" * 8190, 100)),
    "texts that are too long": Costly(guarded("x" * 60_000, 5)),
    "named actions": Costly(compact(acting(*["a"] * 1900, actions={"a": [assign(n=1)]}))),
    "named lists": Costly(compact(acting(*["a"] * 80, actions={"a": [MORE] * 40}))),
    "params asked for by a loop": raising({"type": "mail", "params": {"text": "x" * 200_000}}),
    "made params asked for by a loop": raising(
        {"type": "mail", "params": {"list": [0] * 40_000, "n": expr("context.n")}}
    ),
    "a loop that assigns": raising(MORE),
    "a loop that assigns much": raising(assign(**{f"m{number}": number for number in range(1500)})),
    "a loop that emits a context": raising(
        {"type": "@xstate.emit", "event": {"type": "x", "n": expr("context.n")}}, context=["y" * 60_000]
    ),
    "text that doubles": raising(assign(n=expr("context.n + context.n")), context="x"),
    "a list that doubles": raising(assign(n=expr("context.n + context.n")), context=[1]),
    "a tree that doubles": raising(assign(n=[expr("context.n"), expr("context.n")]), context=[1]),
    "a tree that doubles in expressions": raising(assign(n=expr("[context.n, context.n]")), context=[1]),
    "a context in every effect": Costly(
        compact(acting(*[{"type": "x", "params": {"c": expr("context")}}] * 900, context={"n": [0] * 20_000}))
    ),
    "guards in an and": looping({"guard": every(negated("no", 1), 1900), "actions": [MORE]}),
    "guards in an or": looping({"guard": {"type": "xstate.or", "guards": ["no"] * 3800}}, {"actions": [MORE]}),
    "states in an and": looping({"guard": every(IN_B, 3800), "actions": [MORE]}),
    "guards nested": looping(*[{"guard": negated("no", 28)}] * 120, {"actions": [MORE]}),
    "the client's guards in a loop": looping(*[{"guard": "no"}] * 1900, {"actions": [MORE]}),
    "expressions in a loop": looping(*[{"guard": expr("context.n<0")}] * 650, {"actions": [MORE]}),
    "defined guards in a loop": looping(
        *[{"guard": "g"}] * 1900, {"actions": [MORE]}, guards={"g": {"when": expr("context.n < 0")}}
    ),
    "params of guards in a loop": looping(
        *[{"guard": {"type": "g", "params": {"x": expr("context.n")}}}] * 600, {"actions": [MORE]},
        guards={"g": {"when": expr("params.x < 0")}},
    ),
    "many guards of the client's": Costly(
        compact(answering(*[{"guard": f"g{number}", "target": "z"} for number in range(1900)])),
        (
            *EVERY, ("SM.SEND", "k", "E"), ("SM.MUTATE", "k", "z"),
            ("SM.SEND", "k", "E", "GUARDS", "1900", *(f"g{number}" for number in range(1900))),
            ("SM.SEND", "k", "E", "GUARDS", "20000", *(f"h{number}" for number in range(20_000))),
            ("SM.SEND", "k", "E", "GUARDS", "1", "g" * 300_000), ("SM.SEND", "k", "E", "GUARDS", "1", "g1x"),
        ),
    ),
    "guards with long names": Costly(
        compact(answering(*[{"guard": f"g{number}" + "x" * 140, "target": "z"} for number in range(1900)])),
        (*EVERY, ("SM.SEND", "k", "E"), ("SM.SEND", "k", "E", "GUARDS", "1", "g1" + "x" * 139 + "y")),
    ),
    "candidates that look into DATA": Costly(guarded("event.x.contains('yz')", 520), sent(TEXT)),
    "candidates whose params are DATA": Costly(
        compact(
            answering(
                *[{"guard": {"type": "g", "params": {"x": expr("event.x")}}, "target": "z"}] * 780,
                guards={"g": {"when": expr("params.x == 7")}},
            )
        ),
        sent(ITEMS),
    ),
    "candidates of many events": Costly(
        compact({"initial": "a", "states": {"z": {}, "a": {"on": {
            f"E{number}": {"guard": expr("size(event.x) < 9"), "target": "z"} for number in range(560)
        }}}}),
        sent(TEXT),
    ),
    **{
        f"loops: {text}": Costly(guarded(f"size([{text}]) < 0"), sent(ITEMS))
        for text in (
            "event.x.all(a, event.x.all(b, event.x.all(c, true)))", "event.x.map(a, event.x.map(b, a + b))",
            "event.x.filter(a, event.x.exists(b, b == -1))", "event.x.map(a, event.x)", "event.x == event.x",
            "event.x + event.x + event.x + event.x", "event.x.all(a, a in event.x)",
        )
    },
}  # fmt: skip

DATA: dict[str, str] = {
    "arrays": '{"x":[' + ",".join(["[]"] * 21_000) + "]}",
    "objects": '{"x":[' + ",".join(["{}"] * 21_000) + "]}",
    "as deep as it may be": '{"x":' + "[" * 61 + "]" * 61 + "}",
    "too deep": '{"x":' + "[" * 30_000 + "]" * 30_000 + "}",
    "members": compact({f"m{number:x}": 0 for number in range(6500)}),
    "a member thousands of times": "{" + ",".join(['"a":1'] * 10_000) + "}",
    "a number of 60,000 digits": '{"x":' + "9" * 60_000 + "}",
    "numbers of 4,000 digits": '{"x":[' + ",".join(["9" * 4000] * 15) + "]}",
    "doubles": '{"x":[' + ",".join(["1e-5"] * 9000) + "]}",
    "escapes": '{"x":"' + "\\u00e9" * 10_000 + '"}',
    "lone surrogates": '{"x":"' + "\\ud800" * 10_000 + '"}',
    "too many bytes": '{"x":"' + "x" * 70_000 + '"}',
}
"""By name, what an event brings."""
TAKING = Costly(compact(answering({"target": "z", "actions": [assign(x=expr("has(event.x) ? event.x : 0"))]})))

COSTLY: dict[str, Costly] = {
    **DOCUMENTS,
    **{f"DATA: {name}": TAKING._replace(calls=sent(data)) for name, data in DATA.items()},
}
