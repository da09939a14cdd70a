"""tools/portable_chart.mjs makes of a live XState machine what the engine takes, and tells each place of code in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sm_core import DocumentError, Limits, compile_document
from tests.core.chart_support import XSTATE, read_lines
from tests.servers import ROOT

pytestmark = pytest.mark.oracle

IMPORTS = """
import {
  and, assign, cancel, createMachine, emit, enqueueActions, fromPromise, log, not, or, raise, sendTo, setup, stateIn,
} from "xstate";
"""
KNOWN = [chart["config"] for chart in read_lines("known.jsonl") if "null" not in json.dumps(chart["config"])]
"""Without forbidden events, which the fixtures write as null."""


class Folder:
    """A folder of JavaScript that can import XState."""

    def __init__(self, path: Path) -> None:
        node = shutil.which("node")
        assert node is not None and (XSTATE / "node_modules").is_dir(), "Node or the packages are missing: make oracle"
        self.node = node
        self.path = path
        (path / "node_modules").symlink_to(XSTATE / "node_modules")

    def run(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.path / "machine.mjs").write_text(IMPORTS + code, encoding="utf-8")
        command = [self.node, str(ROOT / "tools" / "portable_chart.mjs"), "./machine.mjs", *arguments]
        return subprocess.run(command, cwd=self.path, capture_output=True, text=True, timeout=60, check=False)

    def written(self, code: str, *arguments: str) -> Any:
        ran = self.run(code, *arguments)
        assert (ran.returncode, ran.stderr) == (0, "")
        return json.loads(ran.stdout)

    def missing(self, code: str) -> list[str]:
        """The paths that are told; nothing else is written."""
        ran = self.run(code)
        assert (ran.returncode, ran.stdout) == (1, "")
        *places, last = ran.stderr.splitlines()
        assert last.startswith("nothing was written")
        return [place.partition(": ")[0] for place in places]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


ORDER = """
const order = setup({
  guards: { isVip: () => true, covers: (_, params) => params.least > 3 },
  actions: { mail: () => {}, note: log(() => "seen"), begin: assign({ paid: 0 }), go: raise({ type: "GO" }) },
}).createMachine({
  id: "order", initial: "open", context: { paid: 0, items: [], when: null }, entry: ["begin", "note"],
  states: {
    open: {
      exit: { type: "mail", params: { to: "owner" } },
      on: {
        PAY: [
          { guard: and(["isVip", not({ type: "covers", params: { least: 2 } })]), target: "paid" },
          { guard: or([stateIn("#order.open"), stateIn({ open: {} })]), actions: [emit({ type: "seen" }), "go"] },
        ],
        NOTE: { actions: [raise({ type: "GO", by: 1 }), log("noted", "order"), log("noted"), assign({ when: 5 })] },
        HOLD: undefined, "a.b": {}, GO: ".",
      },
    },
    paid: { type: "final", output: { done: true } },
  },
});
export default order;
"""
PORTABLE = {
    "id": "order",
    "initial": "open",
    "context": {"paid": 0, "items": [], "when": None},
    "entry": ["begin", "note"],
    "states": {
        "open": {
            "exit": {"type": "mail", "params": {"to": "owner"}},
            "on": {
                "PAY": [
                    {
                        "guard": {
                            "type": "xstate.and",
                            "guards": [
                                "isVip",
                                {"type": "xstate.not", "guard": {"type": "covers", "params": {"least": 2}}},
                            ],
                        },
                        "target": "paid",
                    },
                    {
                        "guard": {
                            "type": "xstate.or",
                            "guards": [
                                {"type": "xstate.stateIn", "stateValue": "#order.open"},
                                {"type": "xstate.stateIn", "stateValue": {"open": {}}},
                            ],
                        },
                        "actions": [{"type": "@xstate.emit", "event": {"type": "seen"}}, "go"],
                    },
                ],
                "NOTE": {
                    "actions": [
                        {"type": "@xstate.raise", "event": {"type": "GO", "by": 1}},
                        {"type": "@xstate.log", "args": ["order", "noted"]},
                        {"type": "@xstate.log", "args": ["noted"]},
                        {"type": "@xstate.assign", "context": {"when": 5}},
                    ]
                },
                "HOLD": {},
                "a.b": {},
                "GO": ".",
            },
        },
        "paid": {"type": "final", "output": {"done": True}},
    },
    "actions": {
        "begin": {"type": "@xstate.assign", "context": {"paid": 0}},
        "go": {"type": "@xstate.raise", "event": {"type": "GO"}},
    },
}


def test_names_stay_and_what_xstate_brings_becomes_data(folder: Folder) -> None:
    assert folder.written(ORDER) == PORTABLE


def test_the_engine_takes_what_is_written(folder: Folder) -> None:
    document = json.dumps(folder.written(ORDER))
    compiled = compile_document(document.encode(), Limits())
    assert compiled.unknown_current is None


def test_a_machine_without_code_is_written_as_it_was_configured(folder: Folder) -> None:
    charts = {f"chart{number}": config for number, config in enumerate(KNOWN)}
    assert len(charts) > 20
    code = "\n".join(f"export const {name} = createMachine({json.dumps(config)});" for name, config in charts.items())
    for name, config in charts.items():
        assert folder.written(code, name) == config


def test_delays_that_are_numbers_come_along(folder: Folder) -> None:
    written = folder.written("""
export const machine = setup({ delays: { SOON: 500, NEVER: () => 1 }, actors: { charge: fromPromise(() => 1) } })
  .createMachine({
    initial: "a",
    states: {
      a: {
        entry: raise({ type: "X" }, { delay: "SOON", id: "x" }), exit: cancel("x"), after: { SOON: "b", 1000: "b" },
        invoke: { id: "c", src: "charge", input: { total: 1 }, onDone: { target: "b", guard: not("isVip") } },
      },
      b: {},
    },
  });
""")
    assert written["delays"] == {"SOON": 500}
    assert written["states"]["a"] == {
        "entry": {"type": "@xstate.raise", "event": {"type": "X"}, "delay": "SOON", "id": "x"},
        "exit": {"type": "@xstate.cancel", "id": "x"},
        "after": {"1000": "b", "SOON": "b"},
        "invoke": {
            "id": "c",
            "src": "charge",
            "input": {"total": 1},
            "onDone": {"target": "b", "guard": {"type": "xstate.not", "guard": "isVip"}},
        },
    }


CODE = """
export const machine = setup({
  guards: { isVip: () => true },
  actions: { mail: () => {}, count: assign({ n: ({ context }) => context.n + 1 }), many: enqueueActions(() => {}),
             unused: assign({ n: () => 1 }) },
  delays: { SLOW: () => 3 },
}).createMachine({
  initial: "open", context: { n: 0, when: new Date(0), worst: NaN }, entry: assign(() => ({})),
  states: {
    open: {
      entry: [() => {}, "mail", "count", "many"],
      on: {
        PAY: [{ guard: ({ context }) => context.n > 0, target: "paid" }, { guard: "isVip", target: undefined }],
        SKIP: { guard: and(["isVip", or([() => false])]), actions: { type: "mail", params: () => ({}) } },
        SAY: { actions: [raise(() => ({ type: "X" }), { delay: () => 1 }), cancel(() => "x"),
                         emit(() => ({})), log()] },
        "a b": { actions: sendTo("other", { type: "X" }) },
      },
      after: { 1000: { guard: () => false }, SLOW: "paid", GONE: "paid" },
    },
    paid: {
      invoke: { src: fromPromise(() => 1), input: () => ({}), onDone: { guard: () => true } },
      type: "final", output: ({ context }) => context.n,
    },
  },
});
"""
PLACES = [
    "$.context.when", "$.context.worst", "$.entry.context", "$.states.open.entry[0]",
    "$.states.open.on.PAY[0].guard", "$.states.open.on.SKIP.guard.guards[1].guards[0]",
    "$.states.open.on.SKIP.actions.params", "$.states.open.on.SAY.actions[0].event",
    "$.states.open.on.SAY.actions[0].delay", "$.states.open.on.SAY.actions[1].id",
    "$.states.open.on.SAY.actions[2].event", "$.states.open.on.SAY.actions[3].args[0]",
    '$.states.open.on["a b"].actions', '$.states.open.after["1000"].guard', "$.states.paid.invoke.src",
    "$.states.paid.invoke.input", "$.states.paid.invoke.onDone.guard", "$.states.paid.output",
    "$.actions.count.context.n", "$.actions.many", "$.delays.SLOW.duration", "$.delays.GONE",
]  # fmt: skip


def test_every_place_that_holds_code_is_told_at_once(folder: Folder) -> None:
    assert folder.missing(CODE) == PLACES
    assert folder.missing("export default createMachine({ context: () => ({}) });") == ["$.context"]


def test_what_a_config_says_for_the_server_stands_as_it_is(folder: Folder) -> None:
    """XState does not read these members, so that one source serves both."""
    actions = {"count": {"type": "@xstate.assign", "context": {"n": {"@expr": "context.n + 1"}}}}
    guards = {"few": {"when": {"@expr": "context.n < 3"}}}
    delays = {"SLOW": {"duration": {"@expr": "context.n * 100"}}}
    written = folder.written(f"""
export default setup({{
  guards: {{ few: ({{ context }}) => context.n < 3 }},
  actions: {{ count: assign({{ n: ({{ context }}) => context.n + 1 }}) }},
  delays: {{ SLOW: ({{ context }}) => context.n * 100, SOON: 5 }},
}}).createMachine({{
  context: {{ n: 0 }}, on: {{ MORE: {{ guard: "few", actions: "count" }} }}, after: {{ SLOW: {{ actions: "late" }} }},
  guards: {json.dumps(guards)}, actions: {json.dumps(actions)}, delays: {json.dumps(delays)},
}});
""")
    assert (written["guards"], written["actions"]) == (guards, actions)
    assert written["delays"] == {"SOON": 5, **delays}


def test_partial_leaves_the_code_in_its_place(folder: Folder) -> None:
    ran = folder.run(CODE, "--partial")
    assert ran.returncode == 1
    document = json.loads(ran.stdout)
    opened = document["states"]["open"]
    assert opened["on"]["PAY"][0]["guard"] == {"@expr": "({ context }) => context.n > 0"}
    assert opened["entry"] == [None, "mail", "count", "many"]
    assert document["actions"] == {
        "count": {"type": "@xstate.assign", "context": {"n": {"@expr": "({ context }) => context.n + 1"}}},
        "many": None,
    }


PARTIAL = {
    "a guard": 'on: { E: { guard: ({ context }) => context.n > 0, target: ".a" } }',
    "a method as a guard": 'on: { E: { guard({ context }) { return true; }, target: ".a" } }',
    "a guard inside": 'on: { E: { guard: not(function () { return true; }), target: ".a" } }',
    "an action": "entry: [() => {}]",
    "an action that stands alone": "entry: () => {}",
    "an assign": "entry: assign(({ context }) => ({ n: 1 }))",
    "a member of an assign": "entry: assign({ n: ({ context }) => context.n + 1 })",
    "params": 'entry: { type: "mail", params: () => ({}) }',
    "an event": 'entry: raise(() => ({ type: "E" }))',
    "a context": "context: () => ({ n: 1 })",
    "a date": "context: { n: new Date(0) }",
    "an output": "output: ({ context }) => context.n",
}


@pytest.mark.parametrize("code", PARTIAL.values(), ids=PARTIAL)
def test_the_engine_refuses_code_that_was_left_in_its_place(folder: Folder, code: str) -> None:
    machine = f'export default createMachine({{ initial: "a", states: {{ a: {{}} }}, {code} }});'
    [place] = folder.missing(machine)
    ran = folder.run(machine, "--partial")
    with pytest.raises(DocumentError) as refused:
        compile_document(ran.stdout.encode(), Limits())
    assert refused.value.path.startswith(place)


def test_which_machine_is_written(folder: Folder) -> None:
    one = 'createMachine({ id: "one" })'
    assert folder.written(f"export const it = {one};\nexport const other = 5;") == {"id": "one"}
    assert folder.written(f'export default {one};\nexport const two = createMachine({{ id: "two" }});', "two") == {
        "id": "two"
    }
    for code, arguments, fault in (
        (f"export const a = {one}, b = {one};", (), "./machine.mjs exports a, b: say which\n"),
        (f"export const a = {one};", ("b",), "./machine.mjs exports no machine 'b'\n"),
        ("export const a = 1;", (), "./machine.mjs exports no machine\n"),
        ("", ("a", "b"), "usage: node portable_chart.mjs ./machine.mjs [exportName] [--partial] > order.json\n"),
    ):
        ran = folder.run(code, *arguments)
        assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", fault)


def test_what_the_module_prints_or_leaves_running_does_no_harm(folder: Folder) -> None:
    ran = folder.run('console.log("loaded"); setInterval(() => {}, 1000); export default createMachine({ id: "one" });')
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, '{\n  "id": "one"\n}\n', "loaded\n")
