"""Documents that cost much: each grows with one number, and some event or state makes it work.

``n`` is about how many elements a document has: states, transitions, targets and actions of a statechart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Json = dict[str, Any]
RING = {"initial": "a", "states": {"a": {"on": {"E": "b"}}, "b": {"on": {"E": "a"}}}}


class Worst(NamedTuple):
    """A document of the size ``n``, an event that moves much of it, and a state that FORCE enters."""

    make: Callable[[int], Json]
    event: str = "E"
    state: str = "z"


def with_moves(states: Json, first: str, **more: Any) -> Json:
    return {"initial": first, "states": {**states, "z": {"on": {"E": first}}}, **more}


def many_states(n: int) -> Json:
    return with_moves({f"s{i}": {} for i in range(n - 3)}, "s0", on={"E": ".z"})


def ring(n: int) -> Json:
    return with_moves({f"s{i}": {"on": {"E": f"s{(i + 1) % (n // 3)}"}} for i in range(n // 3)}, "s0")


def many_events(n: int) -> Json:
    """Transitions in one state, each with a name of its own."""
    return with_moves({"a": {"on": {f"E{i}": "z" for i in range(n // 2)} | {"E": "z"}}}, "a")


def many_candidates(n: int) -> Json:
    """Transitions behind another for one event."""
    return with_moves({"a": {"on": {"E": ["z"] * (n // 2)}}}, "a")


def empty_events(n: int) -> Json:
    return with_moves({"a": {"on": {f"E{i}": [] for i in range(n)} | {"E": "z"}}}, "a")


def inert_events(n: int) -> Json:
    return with_moves({"a": {"on": {f"E{i}": None for i in range(n)} | {"E": "z"}}}, "a")


def partial_events(n: int) -> Json:
    """Partial descriptors of every length: each length is tried for an event."""
    return with_moves({"a": {"on": {f"{'x' * i}.*": "z" for i in range(1, int((n * 8) ** 0.5))} | {"E": "z"}}}, "a")


def many_actions(n: int) -> Json:
    return with_moves({"a": {"exit": ["x"] * (n // 2)}}, "a", on={"E": {"target": ".z", "actions": ["y"] * (n // 2)}})


def action_objects(n: int) -> Json:
    return with_moves({"a": {"exit": [{"type": "x", "params": {"n": 1}}] * n}}, "a", on={"E": ".z"})


def many_targets(n: int) -> Json:
    """Targets of one transition: regions of a parallel state."""
    regions = n // 4
    states = {f"r{i}": {"initial": "a", "states": {"a": {}, "b": {}}} for i in range(regions)}
    return with_moves({"p": {"type": "parallel", "states": states}}, "p", on={"E": {
        "target": [f".p.r{i}.b" for i in range(regions)]}})  # fmt: skip


def same_target(n: int) -> Json:
    return with_moves({"a": {}}, "a", on={"E": {"target": [".z"] * n}})


def long_names(n: int) -> Json:
    """Names that fill the document: a thirtieth of n states, of 1,000 bytes each."""
    states: Json = {f"{i:05}" + "x" * 1000: {} for i in range(max(n // 30, 1))}
    return with_moves(states, "00000" + "x" * 1000, on={"E": ".z"})


def many_ids(n: int) -> Json:
    """Ids, and each transition names one."""
    count = n // 3
    return with_moves({f"s{i}": {"id": f"id{i}", "on": {"E": f"#id{(i + 1) % count}"}} for i in range(count)}, "s0")


def dotted_targets(n: int) -> Json:
    r"""Targets with escapes, ids and paths: `#m.a\.b.c`."""
    count = n // 4
    inner = {"initial": "c", "states": {"c": {}}}
    states = {f"a.{i}": {**inner, "on": {"E": f"#m.a\\.{(i + 1) % count}.c"}} for i in range(count)}
    return {"initial": "a.0", "id": "m", "states": {**states, "z": {}}}


def deep(n: int, name: str = "s") -> Json:
    """Towers of states, each as deep as the nesting allows, whose names are written out in every path below."""
    towers = max(n // 31, 1)

    def tower(number: int) -> Json:
        chart: Json = {}
        for level in range(28, 0, -1):
            chart = {"initial": f"{name}{level}", "states": {f"{name}{level}": chart}}
        return {**chart, "on": {"E": f"t{(number + 1) % towers}"}}

    return with_moves({f"t{i}": tower(i) for i in range(towers)}, "t0", on={"E": ".z"})


def deep_long(n: int) -> Json:
    return deep(n, "x" * 60)


def wide_parallel(n: int) -> Json:
    """Regions that one event moves together."""
    return {"type": "parallel", "states": dict.fromkeys([f"r{i}" for i in range(n // 7)], RING)}


def wide_atomic(n: int) -> Json:
    """Active states without anything inside, which answer nothing."""
    states: Json = {f"r{i}": {} for i in range(n - 5)}
    return {"initial": "p", "states": {"p": {"type": "parallel", "states": states, "on": {"E": "z"}}, "z": {}}}


def wide_events(n: int) -> Json:
    """Regions each with an event of its own."""
    return {
        "type": "parallel",
        "states": {f"r{i}": {"on": {f"E{i}": {"actions": "x"}, "E": {"actions": "y"}}} for i in range(n // 5)},
    }


def nested_parallel(n: int) -> Json:
    """Parallel states inside parallel states."""
    chart: Json = {"on": {"E": {"actions": "x"}}}
    width = max(n // 90, 1)
    for level in range(29, 0, -1):
        rest = {f"r{i}": {"on": {"E": {"actions": "x"}}} for i in range(width)}
        chart = {"type": "parallel", "states": {f"p{level}": chart, **rest}}
    return chart


def leaving_parallel(n: int) -> Json:
    """A wide parallel state that is left and entered, with entry and exit actions."""
    regions = {f"r{i}": {"entry": "in", "exit": "out"} for i in range(n // 3)}
    return with_moves({"p": {"type": "parallel", "states": regions}}, "p", on={"E": {"target": ".p", "reenter": True}})


def deep_history(n: int) -> Json:
    """A deep history of thousands of states, recorded and restored."""
    regions: Json = {f"r{i}": {"initial": "a", "states": {"a": {"on": {"F": "b"}}, "b": {}}} for i in range(n // 6)}
    regions["h"] = {"type": "history", "history": "deep"}
    return {
        "initial": "p",
        "states": {
            "p": {"type": "parallel", "states": regions, "on": {"E": "z"}},
            "z": {"on": {"E": "p.h"}},
        },
    }


def many_histories(n: int) -> Json:
    """History states that all record the same region."""
    states: Json = {f"h{i}": {"type": "history", "history": ["deep", "shallow"][i % 2]} for i in range(n // 2)}
    states |= {f"r{i}": {} for i in range(n // 2 - 5)}
    return {
        "initial": "p",
        "states": {"p": {"type": "parallel", "states": states, "on": {"E": "z"}}, "z": {"on": {"E": "p"}}},
    }


def always_chain(n: int) -> Json:
    states: Json = {f"s{i}": {"always": f"s{i + 1}"} for i in range(n // 3)}
    return with_moves({**states, f"s{n // 3}": {"on": {"E": "s0"}}}, "z", on={"E": ".s0"})


def wide_always(n: int) -> Json:
    """A chain of transitions without an event inside a state of many regions, which the last one leaves."""
    width = n // 2
    steps = n // 6
    inner: Json = {f"r{i}": {} for i in range(width)}
    return with_moves({
        "calm": {"on": {"E": "p"}},
        "p": {"type": "parallel", "states": {
            **inner,
            "c": {"initial": "c0", "states": {
                f"c{i}": {"always": f"c{i + 1}" if i < steps - 1 else "#m.z"} for i in range(steps)}}}},
    }, "calm", id="m")  # fmt: skip


def heavy_chain(n: int) -> Json:
    """A finite chain; each of its steps leaves a wide state and enters another."""
    steps = max(int(n ** 0.5 / 2), 2)
    width = n // steps
    states: Json = {}
    for step in range(steps):
        regions = {f"r{i}": {} for i in range(width)}
        states[f"p{step}"] = {"type": "parallel", "states": regions, "always": f"p{(step + 1) % steps}"}
    return with_moves(states, "z", on={"E": ".p0"})


def busy_chain(n: int) -> Json:
    """A chain in one region beside many active states."""
    states: Json = {f"s{i}": {"always": f"s{i + 1}"} for i in range(n // 6)}
    states[f"s{n // 6}"] = {}
    regions: Json = {f"r{i}": {"on": {"X": {"actions": "x"}}} for i in range(n // 6)}
    regions["c"] = {"initial": "calm", "states": {"calm": {"on": {"E": "s0"}}, **states}}
    return {"type": "parallel", "states": regions}


def counter(n: int) -> Json:
    """Regions whose transitions without an event go round in circles of different lengths: no early repetition."""
    primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71]
    regions: Json = {}
    while n > 0:
        for prime in primes:
            states = {f"s{i}": {"always": f"s{(i + 1) % prime}"} for i in range(prime)}
            regions[f"r{len(regions)}"] = {"initial": "s0", "states": states}
            n -= 3 * prime
            if n <= 0:
                break
    return with_moves({"p": {"type": "parallel", "states": regions}}, "z")


def done_regions(n: int) -> Json:
    """Regions that are all done at once, each of which hears of it."""
    region = {"initial": "a", "states": {"a": {"on": {"E": "b"}}, "b": {"type": "final"}}, "onDone": {"actions": "x"}}
    regions = {f"r{i}": region for i in range(n // 7)}
    return {"initial": "p", "states": {"p": {"type": "parallel", "states": regions, "onDone": "z"}, "z": {}}}


def done_cascade(n: int) -> Json:
    """A done event at every step of a chain."""
    states: Json = {}
    for i in range(n // 6):
        inner = {"initial": "f", "states": {"f": {"type": "final"}}, "onDone": f"s{i + 1}"}
        states[f"s{i}"] = inner
    states[f"s{n // 6}"] = {}
    return with_moves(states, "z", on={"E": ".s0"})


def done_beside(n: int) -> Json:
    """A done event at every step of a chain, beside many states that listen to others."""
    chart = done_cascade(n // 2)
    regions: Json = {f"r{i}": {"on": {"X": {"actions": "x"}, "*": None}} for i in range(n // 8)}
    return {"type": "parallel", "states": {"c": chart, **regions}}


def back_to_front(n: int) -> Json:
    """Regions of which the last are done first: whether all are is asked for each."""
    half = n // 12
    first = {"initial": "a", "states": {"a": {"on": {"E": "b"}}, "b": {"type": "final"}}}
    last = {"initial": "b", "states": {"b": {"type": "final"}}}
    regions = {f"r{i}": first for i in range(half)} | {f"t{i}": last for i in range(half)}
    return {"initial": "p", "states": {"p": {"type": "parallel", "states": regions}, "z": {}}}


def many_tags(n: int) -> Json:
    return with_moves({"a": {"tags": ["t"] * n}}, "a", on={"E": ".z"})


def resolved(n: int) -> Json:
    """The form that JSON.stringify(machine) gives: all is said twice."""
    count = n // 8
    states: Json = {}
    for i in range(count):
        name = f"#m.s{i}"
        moves = [{"target": [f"#m.s{(i + 1) % count}"], "actions": [], "reenter": False, "source": name,
                  "eventType": "E"}]  # fmt: skip
        states[f"s{i}"] = {
            "id": f"m.s{i}", "key": f"s{i}", "type": "atomic", "order": i + 1, "history": False, "states": {},
            "initial": {"target": [], "source": name, "actions": [], "eventType": None},
            "on": {"E": moves}, "transitions": moves, "entry": [], "exit": [],
        }  # fmt: skip
    return {"id": "m", "key": "m", "order": 0, "type": "compound", "states": states, "initial": "s0"}


def meta(n: int) -> Json:
    """All the document's room, for values that mean nothing to the engine."""
    return with_moves({"a": {}}, "a", on={"E": ".z"}, meta=[0] * n)


CHARTS: dict[str, Worst] = {
    "many states": Worst(many_states),
    "ring": Worst(ring),
    "many events": Worst(many_events),
    "many candidates": Worst(many_candidates),
    "empty events": Worst(empty_events),
    "inert events": Worst(inert_events),
    "partial events": Worst(partial_events, "x" * 50 + ".E"),
    "many actions": Worst(many_actions),
    "action objects": Worst(action_objects),
    "many targets": Worst(many_targets),
    "same target": Worst(same_target),
    "long names": Worst(long_names),
    "many ids": Worst(many_ids),
    "dotted targets": Worst(dotted_targets),
    "deep": Worst(deep),
    "deep, long names": Worst(deep_long),
    "wide parallel": Worst(wide_parallel, state="r0.b"),
    "wide, atomic": Worst(wide_atomic),
    "wide events": Worst(wide_events, state="r0"),
    "nested parallel": Worst(nested_parallel, state="p1"),
    "leaving parallel": Worst(leaving_parallel),
    "deep history": Worst(deep_history),
    "many histories": Worst(many_histories),
    "always chain": Worst(always_chain, state="s0"),
    "wide always": Worst(wide_always),
    "heavy chain": Worst(heavy_chain),
    "busy chain": Worst(busy_chain, state="c.s0"),
    "counter": Worst(counter, state="p"),
    "done regions": Worst(done_regions),
    "done cascade": Worst(done_cascade, state="s0"),
    "done beside": Worst(done_beside, state="c.s0"),
    "back to front": Worst(back_to_front),
    "many tags": Worst(many_tags),
    "resolved": Worst(resolved, state="s1"),
    "meta": Worst(meta),
}


def flat_ring(n: int) -> Json:
    return {"map": {f"s{i:05}": [f"s{(i + 1) % n:05}"] for i in range(n)}, "initial": "s00000"}


def flat_short(n: int) -> Json:
    return {"map": {f"{i:x}": [f"{(i + 1) % n:x}"] for i in range(n)}, "initial": "0"}


def flat_targets(n: int) -> Json:
    """Ten names, and n targets in the rows of them."""
    return {"map": {str(i): [str(j % 10) for j in range(n // 10)] for i in range(10)}, "initial": "0"}


def flat_long(n: int) -> Json:
    return {"map": {f"{i:05}" + "x" * 1000: [] for i in range(max(n // 1000, 1))}, "initial": "00000" + "x" * 1000}


def flat_escapes(n: int) -> Json:
    return {"map": {f'"{i:x}\\': [f'"{(i + 1) % n:x}\\'] for i in range(n)}, "initial": '"0\\'}


def flat_meta(n: int) -> Json:
    return {"map": {"a": ["b"]}, "initial": "a", "meta": [0] * n}


def flat_meta_objects(n: int) -> Json:
    return {"map": {"a": ["b"]}, "initial": "a", "meta": [{}] * n}


def flat_meta_members(n: int) -> Json:
    return {"map": {"a": ["b"]}, "initial": "a", "meta": {f"{i:x}": 0 for i in range(n)}}


def flat_meta_deep(n: int) -> Json:
    inner: Any = 0
    for _ in range(60):
        inner = [inner]
    return {"map": {"a": ["b"]}, "initial": "a", "meta": [inner] * (n // 60)}


def flat_colons(n: int) -> Json:
    """A colon in a string: the colons of the text do not count the members."""
    return {"map": {"a": ["b"]}, "initial": "a", "meta": [":", [{"a": 0}] * n]}


def flat_pairs(n: int) -> Json:
    r"""A character that JSON writes as two ``\u`` escapes."""
    return {"map": {"a": ["b"]}, "initial": "a", "meta": ["\U0001f600", [0] * n]}


def flat_floats(n: int) -> Json:
    return {"map": {"a": ["b"]}, "initial": "a", "meta": [1e5] * n}


MAPS: dict[str, Worst] = {
    "map: ring": Worst(flat_ring, "s00001", "s00001"),
    "map: short names": Worst(flat_short, "1", "1"),
    "map: targets": Worst(flat_targets, "1", "1"),
    "map: long names": Worst(flat_long, "1", "1"),
    "map: escapes": Worst(flat_escapes, '"1\\', '"1\\'),
    "map: meta": Worst(flat_meta, "b", "b"),
    "map: meta of objects": Worst(flat_meta_objects, "b", "b"),
    "map: meta of members": Worst(flat_meta_members, "b", "b"),
    "map: meta, deep": Worst(flat_meta_deep, "b", "b"),
    "map: meta with a colon": Worst(flat_colons, "b", "b"),
    "map: meta with escapes": Worst(flat_pairs, "b", "b"),
    "map: meta of floats": Worst(flat_floats, "b", "b"),
}
