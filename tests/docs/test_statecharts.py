"""The diagrams of docs/statecharts.md are what the server answers for its order, and JSON loses what docs/xstate.md
says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape

import pytest
import redis

from tests.core.chart_support import XSTATE
from tests.docs.test_sessions import python
from tests.servers import ROOT

PAGE = ROOT / "docs" / "statecharts.md"


@pytest.fixture
def order(r: redis.Redis) -> str:
    """The page's order, where the pictures show it."""
    document = json.dumps(python(r, PAGE)["order"])
    assert r.execute_command("SM.SET", "shown", document, "open.payment.paid") == "OK"
    return "shown"


def test_the_mermaid_text_is_the_servers(r: redis.Redis, order: str) -> None:
    shown = re.search(r"^```mermaid\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert r.execute_command("SM.DIAGRAM", order) == shown[1]


def test_the_picture_of_dot_shows_what_the_server_says(r: redis.Redis, order: str) -> None:
    picture = (ROOT / "docs" / "pictures" / "order-dot.svg").read_text(encoding="utf-8")
    shown = sorted(unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", picture))
    text = r.execute_command("SM.DIAGRAM", order, "DOT")
    assert shown == sorted(label for label in re.findall(r'label="([^"]*)"', text) if label)
    edges = [unescape(edge) for edge in re.findall(r"<title>([^<]*&gt;[^<]*)</title>", picture)]
    assert sorted(edges) == sorted(edge.replace(" ", "") for edge in re.findall(r"\w+ -> \w+", text))


def test_the_pictures_are_on_the_page() -> None:
    for name in ("order-dot.svg", "order-mermaid.png"):
        assert f"](pictures/{name})" in PAGE.read_text(encoding="utf-8")
        assert (ROOT / "docs" / "pictures" / name).stat().st_size > 10_000


CONFIG = """
import { and, assign, createMachine, fromPromise, setup } from "xstate";
const machine = setup({ guards: { isVip: () => true }, actions: { mail: () => {} } }).createMachine({
  initial: "open", context: { paid: 0, when: null }, entry: assign({ paid: 1 }),
  states: {
    open: {
      entry: [() => {}, "mail"], exit: "mail", tags: ["a"],
      on: {
        PAY: [{ guard: ({ context }) => context.paid > 0, target: "paid" }, { guard: "isVip", target: undefined }],
        SKIP: { guard: and(["isVip", () => false]), target: "paid", actions: { type: "mail", params: () => ({}) } },
        HOLD: undefined, "a.b": {},
      },
      after: { 1000: { guard: () => false, target: "paid" } },
    },
    paid: { invoke: { src: createMachine({}), input: () => ({}) } },
  },
});
"""


def javascript(code: str) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node")
    assert node is not None and (XSTATE / "node_modules").is_dir(), "Node and the packages are missing: make oracle"
    command = [node, "--input-type=module", "--eval", code]
    return subprocess.run(command, cwd=XSTATE, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.oracle
def test_what_the_page_says_of_each_kind_of_code() -> None:
    """That it is lost without a trace, or leaves a null."""
    ran = javascript(CONFIG + "console.log(JSON.stringify([machine.config, machine]));")
    config, resolved = json.loads(ran.stdout)
    opened = config["states"]["open"]
    assert "entry" not in config
    assert opened["entry"] == [None, "mail"]
    assert opened["on"]["PAY"][0] == {"target": "paid"}
    assert opened["on"]["SKIP"] == {"target": "paid", "actions": {"type": "mail"}}
    assert "HOLD" not in opened["on"]
    assert opened["after"] == {"1000": {"target": "paid"}}
    assert "guard" not in resolved["states"]["open"]["on"]["PAY"][0]
    assert resolved["states"]["open"]["entry"][0] == {"type": ""}
