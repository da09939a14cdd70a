"""What a fault says was probably meant, and that to say it costs no more than reading the document did."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from types import FrameType
from typing import Any

import pytest

from sm_core import EngineError, Limits, check_document, compile_document
from sm_core.chart.hints import Names, did_you_mean
from tests.documents import compact, flat
from tests.tracing import tracing

NAMES = ["shipped", "order placed", "payment_due", "in-transit", "v2.0", "a", "b", "ab"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Shipped", "shipped"),
        ("SHIP_PED", "shipped"),
        ("orderPlaced", "order placed"),
        ("paymentDue", "payment_due"),
        ("in transit", "in-transit"),
        ("shiped", "shipped"),  # one less
        ("shippped", "shipped"),  # one more
        ("shopped", "shipped"),  # another one
        ("hsipped", "shipped"),  # two that have changed places
        ("Shiped", "shipped"),
        ("v20", "v2.0"),
        ("v2.o", "v2.0"),
        ("abc", "ab"),
        ("A", "a"),
        ("shippd ", "shipped"),
        ("shi", None),
        ("shppd", None),
        ("c", None),
        ("ac", None),
        ("ax", None),
        ("", None),
        ("_", None),
        ("shipped" * 10, None),
    ],
)
def test_the_name_that_was_meant(name: str, meant: str | None) -> None:
    names = Names(NAMES)
    assert names.near(name) == meant
    assert names.near(name) == meant  # the first answer changes nothing
    assert did_you_mean(name, NAMES) == names.hint(name) == (f"; did you mean '{meant}'?" if meant else "")


def test_of_several_names_the_likest() -> None:
    assert Names(["Paid", "paid", "PAID"]).near("pAid") == "Paid"
    assert Names(["stated", "stat", "stale"]).near("state") == "stale"
    assert Names(["estate", "stated", "stat"]).near("state") == "stat"
    assert Names(["a_b", "ab"]).near("a-b") == "a_b"


def test_names_of_any_characters() -> None:
    names = ["straße", "\0\0\n", "😀😀", "éa", "\n", "x" * 66]
    assert Names(names).near("STRASSE") == "straße"
    assert did_you_mean("\0\n", names) == "; did you mean '\\u0000\\u0000\\n'?"
    assert did_you_mean("éáa", names) == "; did you mean '\\u00e9a'?"
    assert did_you_mean("x" * 64, names) == did_you_mean("x", []) == ""


def edits(name: str) -> set[str]:
    """All that differs from ``name`` by one character of a, b and c more, less or other, or by two that are swapped."""
    pairs = [(name[:at], name[at:]) for at in range(len(name) + 1)]
    less = {begin + end[1:] for begin, end in pairs if end}
    more = {begin + one + end for begin, end in pairs for one in "abc"}
    other = {begin + one + end[1:] for begin, end in pairs for one in "abc" if end}
    swapped = {begin + end[1] + end[0] + end[2:] for begin, end in pairs if len(end) > 1}
    return less | more | other | swapped


def test_all_that_is_one_edit_away_is_found_and_nothing_else() -> None:
    every = ["".join(letters) for length in range(6) for letters in product("abc", repeat=length)]
    for name in every:
        near = {other for other in edits(name) if max(len(name), len(other)) >= 3} | {name} - {""}
        for other in (*near, *every[::17]):
            found = other if (name in edits(other) and max(len(name), len(other)) >= 3) or name == other != "" else None
            assert Names([other]).near(name) == found
            assert did_you_mean(name, [other]) == (f"; did you mean '{other}'?" if found else "")


def work(ask: Callable[[], object]) -> int:
    """How many instructions of Python's run."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += event == "opcode"
        return trace

    with tracing(trace):
        ask()
    return count


def refused(document: str) -> None:
    try:
        assert compile_document(document.encode(), Limits()).unknown_current
    except EngineError:
        return


def chart(names: list[str], targets: list[str], **more: Any) -> str:
    """States with these names, each with a transition to the next of the targets."""
    states: dict[str, Any] = {name: {} for name in names}
    for number, target in enumerate(targets):
        states[names[number % len(names)]].setdefault("on", {})[f"e{number}"] = target
    return compact({"initial": names[0], "states": states, **more})


def swapped(name: str) -> str:
    """Nearly ``name``, and no other."""
    return name[:-2] + name[-1] + name[-2]


WORDS = [f"{first}_{second}_{number}x" for first in ("wait", "pay", "send", "hold", "close") for second in
         ("for", "until", "before", "after") for number in range(101, 121)]  # fmt: skip
LONG = [f"{number}{'-abcdefg' * 8}"[:64] for number in range(101, 501)]


def ids(names: list[str], targets: list[str]) -> str:
    states = {name: {"id": name} for name in names}
    return compact(
        {"initial": names[0], "states": states, "on": {f"e{at}": "#" + one for at, one in enumerate(targets)}}
    )


def inside(names: list[str], more: dict[str, Any]) -> str:
    return compact({"initial": names[0], "states": dict.fromkeys(names, more)})


GOOD_AND_BAD: dict[str, tuple[str, str]] = {
    "60 targets among 400 states": (chart(WORDS, WORDS[:60]), chart(WORDS, [swapped(name) for name in WORDS[:60]])),
    "100 targets among 400 states with long names": (
        chart(LONG, LONG[:100]), chart(LONG, ["x" + name[1:] for name in LONG[:100]])),
    "a hundred targets from one state among few": (
        chart(WORDS[:3], WORDS[:3] * 33), chart(WORDS[:3], [f"{swapped(name)}{at}" for at in range(33) for name in WORDS[:3]])),
    "targets that are like none": (chart(WORDS, WORDS[:90]), chart(WORDS, [f"{at}" * 20 for at in range(90)])),
    "one target": (chart(WORDS, WORDS[-1:]), chart(WORDS, [swapped(WORDS[-1])])),
    "ids": (ids(WORDS, WORDS[:90]), ids(WORDS, [swapped(name) for name in WORDS[:90]])),
    "paths": (
        chart([*WORDS, "p"], ["p"] * 90),
        chart([*WORDS, "p"], [f"p.{at}" for at in range(90)]),
    ),
    "names with dots": (
        chart(["v2.0", *WORDS], ["v2\\.0"] * 90), chart(["v2.0", *WORDS], ["v2.0"] * 90)),
    "members of a state": (inside(WORDS, {"tags": "a"}), inside(WORDS, {"tag": "a"})),
    "members of a transition": (
        inside(WORDS, {"on": {"E": {"target": "."}}}), inside(WORDS, {"on": {"E": {"targte": "."}}})),
    "members of an action": (
        inside(WORDS, {"entry": {"type": "a"}}), inside(WORDS, {"entry": {"type": "a", "param": 1}})),
    "members of XState 4": (inside(WORDS, {"entry": "a"}), inside(WORDS, {"onEntry": "a"})),
    "types": (inside(WORDS, {"type": "atomic"}), inside(WORDS, {"type": "atomc"})),
    "initial": (
        inside(WORDS, {"initial": "abc", "states": {"abc": {}}}), inside(WORDS, {"initial": "Abc", "states": {"abc": {}}})),
    "current": (chart(WORDS, [], current=WORDS[3]), chart(WORDS, [], current=swapped(WORDS[3]))),
    "current inside": (chart(WORDS, [], current={WORDS[3]: {}}), chart(WORDS, [], current={WORDS[3] + "x": {}})),
    "an initial state of a map": (flat({name: [] for name in WORDS}, WORDS[9]), flat({name: [] for name in WORDS}, "x" + WORDS[9])),
    "a current of a map": (
        flat({name: [] for name in WORDS}, WORDS[9], current=WORDS[8]),
        flat({name: [] for name in WORDS}, WORDS[9], current="x" + WORDS[8])),
    "an initial state of a map with long names that are alike": (
        flat({name: [] for name in LONG}, LONG[9]), flat({name: [] for name in LONG}, LONG[9][:-1])),
    "a member of a map": (flat({name: [] for name in WORDS}, WORDS[9], id="x"), flat({name: [] for name in WORDS}, WORDS[9], Id="x")),
}  # fmt: skip
# ruff: noqa: E501


@pytest.mark.parametrize("kind", GOOD_AND_BAD)
def test_a_refused_document_costs_no_more_than_three_times_what_the_good_one_does(kind: str) -> None:
    good, bad = GOOD_AND_BAD[kind]
    compile_document(good.encode(), Limits())
    refused(bad)
    least = work(lambda: compile_document(good.encode(), Limits()))
    assert work(lambda: refused(bad)) <= 3 * least
    least = work(lambda: check_document(good.encode(), Limits()))
    findings = check_document(bad.encode(), Limits())
    assert {severity for severity, _, _ in findings} == {"error"}
    assert work(lambda: check_document(bad.encode(), Limits())) <= 3 * least


def test_every_one_of_many_faults_has_its_hint() -> None:
    findings = check_document(GOOD_AND_BAD["60 targets among 400 states"][1].encode(), Limits())
    assert len(findings) == 60
    assert all(f"did you mean '{WORDS[at]}'?" in fault for at, (_, _, fault) in enumerate(findings))


@pytest.mark.parametrize("name", ["{}", "a much longer name of the number {}"])
def test_hints_cost_what_the_names_do(name: str) -> None:
    """Twice as many names, twice as many faults: twice the work."""

    def cost(count: int) -> int:
        names = [name.format(number) for number in range(count)]
        asked = [name.format(f"{number}x") for number in range(count // 10)]

        def ask() -> None:
            hints = Names(names)
            for one in asked:
                hints.near(one)

        return work(ask)

    assert cost(4000) < 2.3 * cost(2000)
