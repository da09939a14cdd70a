"""``types`` writes modules that mypy --strict takes, and with which it finds what is misspelt."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from redisstate import types
from tests.core.chart_support import ALL, XSTATE
from tests.servers import ROOT

ORDER: dict[str, Any] = {
    "id": "order",
    "initial": "open",
    "context": {
        "total": {"@expr": "input.total"},
        "paid": 0,
        "tags": ["new"],
        "by": {"name": "ada", "boss": None},
        "note": None,
        "ratio": 0.5,
        "vip": False,
    },
    "guards": {"covers": {"when": {"@expr": "context.paid >= context.total"}}},
    "actions": {"count": {"type": "@xstate.assign", "context": {"n": 1}}},
    "states": {
        "open": {
            "on": {
                "PAY": [
                    {"guard": "covers", "target": "paid", "actions": [{"type": "receipt"}, "count"]},
                    {
                        "guard": {"type": "xstate.not", "guard": "isVip"},
                        "context": {"paid": {"@expr": "event.amount"}, "note": {"@expr": "event.note"}},
                    },
                ],
                "xstate.done.state.x": "paid",
            },
            "invoke": {"src": "charge", "onDone": {"actions": "mail"}},
        },
        "paid": {"initial": "a.b", "states": {"a.b": {"on": {"SHIP.*": "open"}}, "h": {"type": "history"}}},
        "open'": {"type": "final"},
    },
}


def defined(text: str) -> dict[str, str]:
    """What the names of a module stand for, as it is written."""
    joined = re.sub(r"\[\n\s+|,\n\]", lambda found: "[" if "[" in found[0] else "]", text).replace(",\n    ", ", ")
    return dict(re.findall(r"^(\w+): TypeAlias = (.*)$", joined, re.MULTILINE))


def test_what_a_document_names() -> None:
    assert defined(types.write(ORDER)) == {
        "Event": 'Literal["PAY", "SHIP"]',
        "State": 'Literal["open", "paid.a\\\\.b", "open\'"]',
        "Path": 'Literal["open", "paid", "paid.a\\\\.b", "paid.h", "open\'"]',
        "Guard": 'Literal["isVip"]',
        "EffectName": 'Literal["receipt", "mail"]',
        "TaskName": 'Literal["charge"]',
    }


def test_the_context_as_its_values_show_it() -> None:
    text = types.write(ORDER)
    found = text[text.index("class ContextBy") : text.index("class EventData")].split("\n\n\n")
    assert [one.strip() for one in found if one.strip()] == [
        "class ContextBy(TypedDict):\n    name: str\n    boss: None",
        'class Context(TypedDict):\n    """The machine\'s data, as the chart\'s values show them."""\n\n'
        "    total: Any\n    paid: float\n    tags: list[str]\n    by: ContextBy\n    note: Any\n    ratio: float\n"
        "    vip: bool\n    n: NotRequired[int]",
    ]


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        ([], set()),
        (["context.event.x + xevent.y + event_z.z"], set()),
        (["event.a + has(event.b)", "event . c.d + event.type + context.list.map(e, e.f + event.g)[0]"], set("abcg")),
        (['\'event\' + "event\\" event" + event.a // event'], {"a"}),
        (["r'\\' + event.a + r\"\\\" + ''' event' '''"], {"a"}),
        (["event.a", "event"], None),
        (["event['a']"], None),
        (["size(event)"], None),
        (["event.exists(m, m == 'a')"], None),
        (["'a' in event"], None),
    ],
)
def test_the_members_of_events_that_a_chart_reads(expressions: list[str], expected: set[str] | None) -> None:
    on = [{"guard": {"@expr": text}} for text in expressions]
    assert types.read({"initial": "a", "states": {"a": {"on": {"E": on}}}}).read == expected


def test_members_that_cannot_be_given_by_name_are_given_as_data() -> None:
    guard = {"@expr": "event.reason == event.class || event.__a > 1 || event.Any"}
    text = types.write({"initial": "a", "states": {"a": {"on": {"E": {"guard": guard}}}}})
    found = text[text.index("EventData = ") : text.index("class ChartMachine")]
    assert found == (
        'EventData = TypedDict(\n    "EventData",\n    {\n        "Any": "NotRequired[Any]",\n'
        '        "__a": "NotRequired[Any]",\n    },\n)\n"""What the chart\'s expressions read of events."""\n\n\n'
    )


def test_a_flat_machine_is_sent_the_states_that_it_may_move_to() -> None:
    found = defined(types.write({"map": {"bar": ["blee", "boo"], "boo": ["blee"]}, "initial": "bar"}))
    assert found["Event"] == 'Literal["blee", "boo"]'
    assert found["State"] == found["Path"] == 'Literal["bar", "blee", "boo"]'


@pytest.mark.parametrize(
    ("identity", "name", "expected"),
    [
        ("order", None, "OrderMachine"),
        ("order-line", None, "OrderLineMachine"),
        ("machine", None, "ChartMachine"),
        ("typed", None, "ChartTypedMachine"),
        ("2nd", None, "Chart2ndMachine"),
        ('")\n', None, "ChartMachine"),
        ("order", "Bill", "BillMachine"),
    ],
)
def test_the_name_of_the_class(identity: str, name: str | None, expected: str) -> None:
    assert f"class {expected}(TypedMachine[" in types.write({**ORDER, "id": identity}, name=name)


@pytest.mark.parametrize("document", ["[]", "{}", '{"states": []}', "1", "{", '{"states":' + "[" * 100_000])
def test_what_is_no_document_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        types.write(document)


# What mypy says


def charts() -> list[dict[str, Any]]:
    """All charts of the engine's fixtures."""
    found = list(ALL)
    for name in ("random_data", "random_timed", "real_charts"):
        read = json.loads(gzip.decompress((XSTATE / f"{name}.json.gz").read_bytes()))
        found += [one["config"] for one in (read["charts"] if isinstance(read, dict) else read)]
    return found


HOSTILE: list[dict[str, Any]] = [
    {
        "id": '"""\nimport os',
        "initial": "a",
        "context": {
            "str": "x",
            "other": "y",
            "class": 1,
            "__x": 1,
            "a b": [1, "x", None, {"q": []}],
            '"': {"\\": {}},
            "Context": {"x": 1},
            "ContextContext": {"x": 2},
            "ﬁ": 1,
            "deep": {"Any": {"int": {"x": 1}}},
            "mixed": [1, 2.5],
        },
        "states": {"a\"\\\n\0'": {"on": {"\ud800": "a", "*": "a", "E'": "a"}}, "a": {}},
    },
    {"initial": "", "states": {}},
    {"initial": "a", "states": {"a": {"on": {"*": "a"}}}},
    {"initial": "a", "map": {}},
    {
        "initial": "a",
        "states": {"a": {"on": {"E": {"guard": {"@expr": "event.self + event.data + event.Any + event.__x"}}}}},
    },
]

ASYNC_USER = """
from typing import Any

from order_async import Context, OrderMachine


async def main(client: Any) -> None:
    order = OrderMachine(client, "order:1")
    await order.send("PAY", amount=1)
    await order.send("PAID")  # error
    await order.send("PAY", amuont=1)  # error
    print((await order.reset()).states[0] == "opne")  # error
    async with order.pipeline() as pipe:
        pipe.send("PAID")  # error
    context: Context = await order.context()
    print(context["paid"], (await order.states())[0] == "opne")  # error
"""

USER = """
from typing import Any

from order import Context, Event, OrderMachine

client: Any = None
order = OrderMachine(client, "order:1")
order.send("PAY", amount=1, guards=["isVip"])
order.send("PAID")  # error
order.send("PAY", guards=["isVipp"])  # error
order.send("PAY", {"amuont": 1})
order.send("PAY", amuont=1)  # error
order.can("PAY", amuont=1)  # error
order.mutate("paid", reason="cash", force=True)
order.mutate("payed")  # error
order.set({}, if_state="open").states
order.set({}, if_state="opne")  # error
order.set({}, if_absent=True).states  # error
order.reset(guards=["isVip"], if_state="paid")
order.reset(if_state="payd")  # error
if order.send("PAY").states[0] == "opne":  # error
    pass
if order.retry("x@1").states[0] == "opne":  # error
    pass
with order.pipeline() as pipe:
    pipe.send("PAY", amount=1)
    pipe.send("PAID")  # error
    pipe.reset(if_state="opne")  # error
    pipe.machine("other").send("ANY")
order.can("pay")  # error
print(order.context["paid"] + 1, order.context["by"]["name"].upper())
print(order.context["payd"])  # error
if order.states == ("open",):
    pass
if order.states[0] == "opne":  # error
    pass
event: Event = "PAY"
event = "pay"  # error
wrong: Context = {"total": 1}  # error
"""


def test_mypy_takes_all_that_is_written_and_finds_what_is_misspelt(tmp_path: Path) -> None:
    """One process for all: each has to read the standard library."""
    documents = [*charts(), *HOSTILE]
    assert len(documents) > 600
    for number, document in enumerate(documents):
        text = types.write(document, source="x.json")
        (tmp_path / f"chart{number}.py").write_text(text, encoding="utf-8")
    (tmp_path / "order.py").write_text(types.write(ORDER), encoding="utf-8")
    (tmp_path / "user.py").write_text(USER, encoding="utf-8")
    (tmp_path / "order_async.py").write_text(types.write(ORDER, asynchronous=True), encoding="utf-8")
    (tmp_path / "async_user.py").write_text(ASYNC_USER, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = true\nmypy_path = {ROOT / 'client'}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--no-incremental", "--hide-error-context", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    expected = {
        f"{name}:{number}"
        for name, text in (("user.py", USER), ("async_user.py", ASYNC_USER))
        for number, line in enumerate(text.splitlines(), 1)
        if line.endswith("# error")
    }
    found = {":".join(line.split(":")[:2]) for line in done.stdout.splitlines() if ": error:" in line}
    assert found == expected, done.stdout + done.stderr


def test_what_is_written_runs(tmp_path: Path) -> None:
    for number, document in enumerate([ORDER, *HOSTILE, *charts()[::50]]):
        space: dict[str, Any] = {"__name__": f"chart{number}"}
        exec(compile(types.write(document), f"chart{number}.py", "exec"), space)
        assert any(name.endswith("Machine") and name != "TypedMachine" for name in space)
