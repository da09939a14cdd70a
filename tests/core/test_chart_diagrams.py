"""Findings and pictures: SM.CHECK's and SM.DIAGRAM's part of the engine, for charts and for flat machines.

The tests with the mark ``oracle`` feed every picture to the real Mermaid and to Graphviz, and let the real XState
write its fixtures again.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sm_core import Limits, check_document, compile_document
from sm_core import diagram as diagram_of
from sm_core.chart import Chart, Configuration, check, draw, view
from sm_core.errors import EngineError
from tests.core.chart_support import FIXTURES, XSTATE, chart_of, names, read_lines, walk

FLAT: list[tuple[dict[str, Any], str]] = [
    ({"map": {"bar": ["blee", "boo"], "boo": ["blee"]}, "initial": "bar"}, "blee"),
    ({"map": {}, "initial": ""}, ""),
    ({"map": {'a"b': ["]--x;", "a:b", "\n", "\0#1;"], "<b>&amp;": ['a"b'], "end": ["end"]}, "initial": "end"}, "a:b"),
]
ODD = 'a"b\n\0--> [*] : {x}; %% #35; <b>&lt; \\N end note 😀'
ODD_CHART: dict[str, Any] = {
    "id": ODD,
    "initial": ODD,
    "on": {ODD: {"target": "#" + ODD.replace(".", "\\.").replace("\\", "\\\\"), "actions": [ODD]}, "x": {}},
    "states": {
        ODD: {"type": "parallel", "states": {"h": {"history": "deep"}, ODD: {}, "end": {"type": "final"}}},
        "state": {"initial": "note", "states": {"note": {}, "h": {"history": True, "target": "note"}}},
    },
}


def diagram(chart: Chart, configuration: Configuration | None, form: str) -> str:
    return draw(view(chart.tables, configuration.active if configuration else 0, named=True), form)


ORDER: dict[str, Any] = {
    "id": "order",
    "initial": "open",
    "on": {"RESET": ".open"},
    "states": {
        "open": {"on": {"PAY": {"target": "work", "actions": ["bill", "mail"]}}},
        "work": {
            "type": "parallel",
            "onDone": "closed",
            "states": {
                "pack": {"initial": "no", "states": {"no": {"on": {"PACK": "yes"}}, "yes": {"type": "final"}}},
                "paper": {"initial": "no", "states": {"no": {"on": {"PRINT": "yes"}}, "yes": {"type": "final"}}},
            },
        },
        "closed": {"type": "final"},
    },
}


WAITING: dict[str, Any] = {
    "id": "w",
    "initial": "asked",
    "delays": {"long": 1000},
    "states": {
        "asked": {"after": {"PT1H": "late", "long": "late"}, "on": {"YES": "going", "xstate.after.PT1H.other": "late"}},
        "going": {
            "timeout": "1.5s",
            "onTimeout": "late",
            "invoke": {"id": "van.7", "src": "drive", "onDone": "late", "onError": "asked"},
        },
        "late": {"type": "final"},
    },
}


def test_what_it_waits_for_is_written_as_a_reader_says_it() -> None:
    lines = diagram(chart_of(WAITING), None, "mermaid").splitlines()
    assert sorted(line.strip() for line in lines if " : " in line) == [
        "s1 --> s2 : YES",
        "s1 --> s3 : after PT1H",
        "s1 --> s3 : after long",
        "s1 --> s3 : xstate.after.PT1H.other",
        "s2 --> s1 : van.7 failed",
        "s2 --> s3 : timeout",
        "s2 --> s3 : van.7 done",
    ]


def test_mermaid_is_what_it_should_be() -> None:
    chart = chart_of(ORDER)
    step = chart.step(chart.start().configuration, "PAY")
    assert step is not None
    assert diagram(chart, step.configuration, "mermaid") == (
        "stateDiagram-v2\n"
        '    state "order" as s0 {\n'
        "        [*] --> s1\n"
        '        state "open" as s1\n'
        '        state "work" as s2 {\n'
        '            state "pack" as s3 {\n'
        "                [*] --> s4\n"
        '                state "no" as s4\n'
        '                state "yes" as s5\n'
        "                s5 --> [*]\n"
        "            }\n"
        "            --\n"
        '            state "paper" as s6 {\n'
        "                [*] --> s7\n"
        '                state "no" as s7\n'
        '                state "yes" as s8\n'
        "                s8 --> [*]\n"
        "            }\n"
        "        }\n"
        '        state "closed" as s9\n'
        "        s9 --> [*]\n"
        "    }\n"
        "    s0 --> s1 : RESET\n"
        "    s1 --> s2 : PAY / bill, mail\n"
        "    s2 --> s9 : done\n"
        "    s4 --> s5 : PACK\n"
        "    s7 --> s8 : PRINT\n"
        "    classDef active fill:#ffd54f,stroke:#333,stroke-width:2px,color:#000\n"
        "    class s4,s7 active\n"
        "    classDef around fill:#fff8e1,stroke:#333,stroke-width:2px,color:#000\n"
        "    class s2,s3,s6 around\n"
    )


def test_the_form_is_one_of_two() -> None:
    chart = chart_of(ORDER)
    assert diagram(chart, None, "dot").startswith("digraph machine {\n")
    with pytest.raises(EngineError, match="MERMAID or DOT"):
        diagram(chart, None, "SVG")


def pictures(form: str) -> Iterator[tuple[str, str]]:
    """A picture of every fixture, of charts and flat machines with odd names, each somewhere on its way."""
    for fixture in [*FIXTURES, *read_lines("left_out.jsonl"), {"name": "odd", "config": ODD_CHART}]:
        chart = chart_of(fixture["config"])
        try:
            *_, configuration = walk(chart, fixture["name"], ["A", "B", "C", "a.b"], 5)
        except EngineError:
            continue
        yield fixture["name"], diagram(chart, configuration, form)
    for number, (document, current) in enumerate(FLAT):
        definition = compile_document(json.dumps(document).encode(), Limits()).definition
        yield f"flat-{number}", diagram_of(definition, current.encode(), form)


MERMAID_LINE = re.compile(
    r"\s*(stateDiagram-v2|--|\}|\[\*\] --> s\d+|s\d+ --> (\[\*\]|s\d+)( : [^:;\n]*(#\d+;[^:;\n]*)*)?"
    r'|state "([^"#;:\n]|#\d+;)+" as s\d+( \{)?|classDef (active|around) [^"\n]+|class s\d+(,s\d+)* (active|around))\n'
)
QUOTED = r'"(?:[^"\\\n\0]|\\\\|\\")*"'
ATTRIBUTES = rf"( \[(\w+=(\w+|[\d.]+|{QUOTED})(, )?)+\])?;"
DOT_LINE = re.compile(
    r"\s*(digraph machine \{|\}|subgraph cluster_\d+ \{|compound=true; newrank=true; rankdir=LR;"
    rf"|label={QUOTED}; style=\w+;|penwidth=\d;|(node|edge|[ais]\d+( -> [as]\d+)?){ATTRIBUTES}|fontname={QUOTED};)\n"
)


@pytest.mark.parametrize(("form", "line"), [("MERMAID", MERMAID_LINE), ("DOT", DOT_LINE)])
def test_every_line_of_a_picture_is_of_a_known_shape(form: str, line: re.Pattern[str]) -> None:
    """Whatever a name holds, it stays a label: braces balance and no line is anything else."""
    count = 0
    for name, text in pictures(form):
        count += 1
        assert text.count("\n") == len(text.splitlines()) or "\u2028" in text
        for row in text.splitlines(keepends=True):
            assert line.fullmatch(row), (name, row)
        assert sum(row.rstrip().endswith("{") for row in text.splitlines()) == sum(
            row.strip() == "}" for row in text.splitlines()
        )
    assert count > len(FIXTURES)


def require(tool: str, package: str) -> str:
    found = shutil.which(tool)
    if found is None:
        pytest.fail(f"{tool} is missing: install {package}")
    return found


def node(*arguments: str, text: str = "") -> str:
    if not (XSTATE / "node_modules").is_dir():
        pytest.fail("the npm packages xstate, mermaid and jsdom are missing: make oracle")
    command = [require("node", "nodejs"), *arguments]
    ran = subprocess.run(command, input=text, capture_output=True, text=True, cwd=XSTATE, timeout=900, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.oracle
def test_graphviz_accepts_every_picture() -> None:
    dot = require("dot", "graphviz")
    whole = "".join(text for _, text in pictures("DOT"))
    command = [dot, "-Tdot", "-o", "/dev/null"]
    ran = subprocess.run(command, input=whole, capture_output=True, text=True, timeout=900, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.oracle
def test_mermaid_accepts_every_picture() -> None:
    lines = [json.dumps({"name": name, "text": text}) for name, text in pictures("MERMAID")]
    wrong = json.dumps({"name": "wrong", "text": "stateDiagram-v2\n    state {\n"})
    refused = node("mermaid_check.mjs", text="\n".join([*lines, wrong]))
    assert refused.startswith("wrong: ")


@pytest.mark.oracle
def test_xstate_writes_the_same_fixtures_again(tmp_path: Path) -> None:
    node("generate.mjs", "1", "560", str(tmp_path))
    for name in ("random.jsonl", "known.jsonl", "resolved.jsonl", "left_out.jsonl"):
        assert (tmp_path / name).read_bytes() == (XSTATE / name).read_bytes(), name


def test_the_packages_are_pinned_and_no_registry_is_named() -> None:
    wanted = json.loads((XSTATE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    lock = json.loads((XSTATE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert not [name for name, package in lock.items() if "resolved" in package]
    assert all("integrity" in package for name, package in lock.items() if name)


# Findings


def check_map(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return check_document(json.dumps(document).encode(), Limits())


def test_nothing_is_found_in_a_good_chart() -> None:
    assert check(ORDER) == []
    assert check_map({"map": {"bar": ["blee", "boo"], "boo": ["blee"]}, "initial": "bar"}) == []
    assert check_map({"map": {}, "initial": ""}) == []


def test_what_is_found() -> None:
    document = {
        "initial": "a",
        "states": {
            "a": {"on": {"E": ["b", "c"], "F": "b"}},
            "b": {"always": ["c", "a"], "on": {"G": "a"}},
            "c": {"on": {"STAY": {"actions": "x"}, "SELF": {"target": "c", "reenter": True}}},
            "d": {"initial": "e", "states": {"e": {}, "f": {}}, "on": {"E": "a"}},
            "z": {"type": "final", "on": {"E": "a"}},
            "p": {"type": "parallel", "on": {"E": "z"}, "states": {"p1": {}, "p2": {}}},
        },
        "on": {"P": ".p"},
    }
    found = check(document)
    assert {severity for severity, _, _ in found} == {"warning"}
    assert [(path, message) for _, path, message in found] == [
        ("$.states.a.on.E[1]", "never chosen: the first transition of a list is always enabled"),
        ("$.states.b.on.G", "never chosen: 'always' leaves this state at once"),
        ("$.states.b.always[1]", "never chosen: the first transition of a list is always enabled"),
        ("$.states.d", "'d' cannot be reached"),
        ("$.states.z.on.E", "never chosen: the machine is done here"),
    ]
    del document["on"]
    assert ("warning", "$.states.c", "'c' is not final and cannot be left") in check(document)
    assert ("warning", "$.states.p", "'p' cannot be reached") in check(document)


def test_history_and_regions_are_reached() -> None:
    inside = {"b": {"on": {"E": "#m.out"}}, "c": {"on": {"E": "#m.out"}}, "h": {"history": True, "target": "c"}}
    states = {"a": {"initial": "b", "states": inside}, "out": {"on": {"BACK": "a.h"}}}
    assert check({"id": "m", "initial": "a", "states": states}) == []
    region = {"initial": "x", "states": {"x": {"on": {"E": "y"}}, "y": {}}}
    document = {"initial": "s", "states": {"s": {"on": {"E": "p.r1.y"}}, "p": {"type": "parallel", "states": {}}}}
    document["states"]["p"]["states"] = {"r1": region, "r2": region}  # type: ignore[index]
    assert [(path, message) for _, path, message in check(document)] == [
        ("$.states.p.states.r1.states.x", "'p.r1.x' cannot be reached"),
        ("$.states.p.states.r1.states.y", "'p.r1.y' is not final and cannot be left"),
        ("$.states.p.states.r2.states.y", "'p.r2.y' is not final and cannot be left"),
    ]


def test_a_long_chain_of_states_overflows_nothing() -> None:
    states: dict[str, Any] = {
        f"c{index}": {"initial": "x", "states": {"x": {}}, "on": {"E": f"c{index + 1}.x"}} for index in range(3000)
    }
    states["c3000"] = {"initial": "x", "states": {"x": {}}}
    assert [path for _, path, _ in check({"initial": "c0", "states": states})] == ["$.states.c3000.states.x"]


def test_a_state_that_current_names_is_checked() -> None:
    assert check({**ORDER, "current": "opn"}) == [("error", "$.current", "no state 'opn'; did you mean 'open'?")]
    assert check({**ORDER, "current": {"work": {"pack": "yes"}}}) == []


def test_what_is_found_in_a_flat_machine() -> None:
    document = {"map": {"a": ["b", "b"], "b": ["b"], "c": ["a"]}, "initial": "a"}
    assert [(path, message) for _, path, message in check_map(document)] == [
        ("$.map.a[1]", "'b' is listed already"),
        ("$.map.b", "'b' cannot be left"),
        ("$.map.c", "'c' cannot be reached from the initial state"),
    ]
    assert check_map({**document, "x": 1}) == [("error", "$.x", "unknown member")]


@pytest.mark.parametrize("fixture", FIXTURES, ids=names(FIXTURES))
def test_what_cannot_be_reached_is_not(fixture: dict[str, Any]) -> None:
    """A state that a random walk reaches is never said to be unreachable."""
    chart = chart_of(fixture["config"])
    found = {message for severity, _, message in check(fixture["config"]) if severity == "warning"}
    for configuration in walk(chart, fixture["name"], fixture["alphabet"], 40):
        for path in chart.active(configuration):
            assert not any(f"'{part}' cannot be reached" in found for part in ancestors(path))


def ancestors(path: str) -> Iterator[str]:
    keys = path.split(".")
    return (".".join(keys[:end]) for end in range(1, len(keys) + 1))
