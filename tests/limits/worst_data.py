"""Documents with data that cost much: each grows with one number, as those of ``worst``. The event is E, with ``n``
members of DATA; the client's guards all hold not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def expr(text: str) -> Json:
    return {"@expr": text}


def assign(**members: Any) -> Json:
    return {"type": "@xstate.assign", "context": members}


def answering(*candidates: Any, **members: Any) -> Json:
    states = {"a": {"on": {"E": list(candidates)}}, "z": {"on": {"E": "a"}}}
    return {"initial": "a", "context": {"n": 0}, "states": states, **members}


def acting(*actions: Any, **members: Any) -> Json:
    return answering({"target": "z", "actions": list(actions)}, **members)


def clients_guards(n: int) -> Json:
    return answering(*[{"guard": f"g{number}", "target": "z"} for number in range(n)])


def one_guard_often(n: int) -> Json:
    return answering(*[{"guard": {"type": "g", "params": {"n": number}}, "target": "z"} for number in range(n)])


def expression_guards(n: int) -> Json:
    return answering(*[{"guard": expr(f"context.n > {number}"), "target": "z"} for number in range(n)])


def combined_guards(n: int) -> Json:
    guards = [{"type": "xstate.not", "guard": f"g{number}"} for number in range(n)]
    return answering({"guard": {"type": "xstate.and", "guards": guards}, "target": "z"})


def defined_guards(n: int) -> Json:
    guards = {f"g{number}": {"when": expr(f"context.n > {number}")} for number in range(n)}
    return answering(*[{"guard": name, "target": "z"} for name in guards], guards=guards)


def assignments(n: int) -> Json:
    return acting(*[assign(**{f"m{number}": expr("context.n + 1")}) for number in range(n)])


def assigned_members(n: int) -> Json:
    return acting(assign(**{f"m{number}": expr("context.n + 1") for number in range(n)}))


def unknown_members(n: int) -> Json:
    return acting({"type": "x", "params": {f"m{number}": expr(f"has(context.q{number}) ? context.p{number} : 0")
                                           for number in range(n)}})  # fmt: skip


def large_context(n: int) -> Json:
    return acting(assign(n=1), context={"n": 0, **{f"m{number}": number for number in range(n)}})


def first_context(n: int) -> Json:
    return acting(assign(n=1), context={"n": 0, **{f"m{number}": expr(f"now + {number}") for number in range(n)}})


def effects(n: int) -> Json:
    return acting(*[{"type": "mail", "params": {"n": expr(f"context.n + {number}")}} for number in range(n)])


def large_params(n: int) -> Json:
    return acting({"type": "mail", "params": [*range(n), expr("context.n")]})


def named_actions(n: int) -> Json:
    return acting(
        *[f"a{number}" for number in range(n)], actions={f"a{number}": assign(n=number) for number in range(n)}
    )


def raised(n: int) -> Json:
    return acting(*[{"type": "@xstate.raise", "event": {"type": "NEXT", "n": expr("context.n")}} for _ in range(n)])


def guarded_always(n: int) -> Json:
    states = {f"s{number}": {"always": {"guard": f"g{number}", "target": "z"}} for number in range(n)}
    states["s0"]["on"] = {"E": {"target": "z"}}  # type: ignore[dict-item]
    return {"initial": "s0", "states": {**states, "z": {}}}


def state_in(n: int) -> Json:
    regions = {f"r{number}": {"initial": "x", "states": {"x": {}}} for number in range(n // 2)}
    value = {"p": {f"r{number}": "x" for number in range(n // 2)}}
    guard = {"type": "xstate.stateIn", "stateValue": value}
    states = {"p": {"type": "parallel", "states": regions, "on": {"E": {"guard": guard, "target": "z"}}}, "z": {}}
    return {"initial": "p", "states": states}


def divisions(n: int) -> Json:
    return acting(*[assign(n=expr("context.n / 2")) for _ in range(n)])


WORST: dict[str, Callable[[int], Json]] = {
    make.__name__.replace("_", " "): make
    for make in (
        *(clients_guards, one_guard_often, expression_guards, combined_guards, defined_guards, assignments),
        *(assigned_members, unknown_members, large_context, first_context, effects, large_params, named_actions),
        *(raised, guarded_always, state_in, divisions),
    )
}
