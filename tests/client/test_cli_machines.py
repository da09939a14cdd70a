"""``redisstate set``, ``send``, ``force``, ``show``, ``history``, ``pending``, ``draw``: one machine at a shell."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.client.command_line import MAP, ORDER, Shell, write
from tests.servers import Server


@pytest.fixture
def shell(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, order=ORDER, map=MAP, input={"total": 30})
    return Shell(server)


def started(shell: Shell) -> None:
    shell.done("set", "order:1", "order.json", "--input", '{"total": 30}')


# set


def test_a_machine_is_set_and_its_start_is_told(shell: Shell) -> None:
    assert shell.done("set", "m", "map.json") == "cart\n"
    assert shell.done("set", "order:1", "order.json", "--input", "@input.json") == "open  revision 1\n"
    assert shell.done("set", "order:2", "-", "--input", '{"total": 3}', given=json.dumps(ORDER)).startswith("open")
    assert shell.done("set", "m", "map.json", "--current", "placed") == "placed\n"


def test_what_a_start_asks_for_is_printed(shell: Shell) -> None:
    assert (
        shell.done("set", "o", "order.json", "--input", '{"total": 0}') == 'paid  revision 1\n  receipt {"amount": 0}\n'
    )
    assert shell.json("set", "o", "order.json", "--input", '{"total": 0}') == {
        "taken": True,
        "states": ["paid"],
        "effects": [{"type": "receipt", "params": {"amount": 0}}],
        "revision": 2,
        "status": "active",
    }


def test_conditions_keep_what_is_there(shell: Shell) -> None:
    assert "m is not there" in shell.failed("set", "m", "map.json", "--if-present")
    shell.done("set", "m", "map.json", "--if-absent")
    assert "m is there" in shell.failed("set", "m", "map.json", "--if-absent")
    started(shell)
    words = ("set", "order:1", "order.json", "--input", "@input.json")
    assert "the machine is at revision 1, not 7" in shell.failed(*words, "--if-revision", "7")
    assert "nothing was changed" in shell.failed(*words, "--if-state", "paid")
    assert shell.done(*words, "--if-revision", "1", "--if-state", "open") == "open  revision 2\n"
    assert "contrary" in shell.failed("set", "m", "map.json", "--if-absent", "--if-present", status=2)


def test_a_refused_document_is_told_with_its_place(shell: Shell, tmp_path: Path) -> None:
    write(tmp_path, bad='{"initial": "a",\n "map": {"a": ["b", 1]}}')
    assert shell.failed("set", "m", "bad.json") == (
        "redisstate: bad.json:2:21: expected a string, got a number  $.map.a[1]\n"
    )
    assert shell.failed("draw", "bad.json").startswith("redisstate: bad.json:2:21: ")


def test_what_fails_beside_the_document_is_not_looked_for_in_it(shell: Shell) -> None:
    assert "no state 'nowhere'" in shell.failed("set", "m", "map.json", "--current", "nowhere")
    assert "input" in shell.failed("set", "order:1", "order.json", "--input", "{}")
    assert "not JSON" in shell.failed("set", "order:1", "order.json", "--input", "{", status=2)
    assert "none.json" in shell.failed("set", "order:1", "order.json", "--input", "@none.json", status=2)


# send


def test_an_event_moves_a_machine_with_its_data(shell: Shell) -> None:
    started(shell)
    assert shell.done("send", "order:1", "PAY", "amount=10") == "open  revision 2\n"
    assert shell.done("send", "order:1", "PAY", "--data", '{"amount": 20}') == (
        'paid  revision 3\n  receipt {"amount": 30}\n'
    )
    assert (
        shell.done("send", "order:1", "SHIP", "--guard", "packed", "--reason", "by hand") == "sent  done  revision 4\n"
    )


def test_a_value_is_json_or_else_text(shell: Shell, tmp_path: Path) -> None:
    keep = {"context": {name: {"@expr": f"event.{name}"} for name in ("n", "t", "s", "o")}}
    write(tmp_path, keep={"initial": "a", "context": {}, "states": {"a": {"on": {"GO": keep}}}})
    shell.done("set", "k", "keep.json")
    shell.done("send", "k", "GO", "n=1", "t=a=b", 's="1"', "--data", '{"n": 0, "o": {"x": [true]}}')
    assert shell.json("show", "k")["context"] == {"n": 1, "t": "a=b", "s": "1", "o": {"x": [True]}}


def test_a_refused_event_says_why_and_what_would_be_taken(shell: Shell) -> None:
    started(shell)
    assert shell.failed("send", "order:1", "SHIP") == "redisstate: order:1 does not take SHIP in open\nIt takes: PAY\n"
    shell.done("send", "order:1", "PAY", "amount=30")
    assert shell.failed("send", "order:1", "SHIP", "--no-guards") == (
        "redisstate: order:1 does not take SHIP in paid\n"
        "  guard 'packed' is false  $.states.paid.on.SHIP\n"
        "It takes: SHIP\n"
    )
    assert shell.json("send", "order:1", "PAY", status=1)["taken"] is False


def test_guards_that_nobody_said_are_named(shell: Shell) -> None:
    started(shell)
    shell.done("send", "order:1", "PAY", "amount=30")
    assert shell.failed("send", "order:1", "SHIP") == (
        "redisstate: you decide 'packed'\nSay which of them hold with --guard NAME, or --no-guards\n"
    )
    assert "contrary" in shell.failed("send", "order:1", "SHIP", "--guard", "packed", "--no-guards", status=2)


def test_a_writer_that_comes_too_late_changes_nothing(shell: Shell) -> None:
    started(shell)
    words = ("send", "order:1", "PAY", "amount=1")
    assert "the machine is at revision 1, not 9" in shell.failed(*words, "--if-revision", "9")
    assert "nothing was changed" in shell.failed(*words, "--if-state", "paid")
    assert shell.done(*words, "--if-revision", "1", "--if-state", "open", "--id", "p1") == "open  revision 2\n"
    assert shell.done(*words, "--id", "p1") == "open  revision 2\n", "the same token does nothing again"
    assert shell.json("show", "order:1")["context"] == {"total": 30, "paid": 1}


def test_what_is_no_data_is_wrong_usage(shell: Shell) -> None:
    assert "'amount' is no NAME=VALUE" in shell.failed("send", "m", "PAY", "amount", status=2)
    assert "must be a JSON object" in shell.failed("send", "m", "PAY", "--data", "[1]", status=2)
    assert "an argument is not UTF-8" in shell.failed("send", "m", "PAY\udcff", status=2)


# force


def test_force_goes_where_no_transition_leads_and_says_why(shell: Shell) -> None:
    started(shell)
    assert shell.done("force", "order:1", "sent", "--reason", "paid in cash") == "sent  done  revision 2\n"
    last = shell.json("history", "order:1")[0]
    assert (last["forced"], last["reason"], last["to"]) == (True, "paid in cash", ["sent"])
    assert "Missing option '--reason'" in shell.failed("force", "order:1", "open", status=2)


def test_force_makes_no_state_and_no_machine(shell: Shell) -> None:
    started(shell)
    words = ("force", "order:1", "snt", "--reason", "ticket 4711")
    assert shell.failed(*words) == "redisstate: order:1 has no state snt\nIt has: open, paid, late, sent\n"
    assert shell.json(*words, status=1)["taken"] is False
    assert "there is no machine at 'order:9'" in shell.failed("force", "order:9", "sent", "--reason", "x")


def test_force_leaves_alone_what_has_moved_on(shell: Shell) -> None:
    started(shell)
    words = ("force", "order:1", "paid", "--reason", "x")
    assert "the machine is at revision 1, not 9" in shell.failed(*words, "--if-revision", "9")
    assert "nothing was changed" in shell.failed(*words, "--if-state", "late")
    assert shell.json("show", "order:1")["revision"] == 1


# show, history, pending


def test_a_machine_is_shown_as_it_stands(shell: Shell) -> None:
    started(shell)
    shell.done("send", "order:1", "PAY", "amount=10", "--reason", "in cash")
    lines = shell.done("show", "order:1").splitlines()
    assert lines[:7] == [
        "order:1  order@2",
        "states    open",
        "status    active",
        "revision  2",
        "reason    in cash",
        'context   {"total": 30, "paid": 10}',
        "next      PAY",
    ]
    assert re.fullmatch(r" +deadline +waiting +in \d+ (min|h) +xstate\.after\.PT1H\.order\.open +\S+@\S+", lines[10])
    assert lines[12] == "last steps"
    assert re.fullmatch(r" +2 +[-\d]+ [:\d]+ +default +PAY +open +open +in cash", lines[14])
    assert lines[15].split()[0] == "1"


def test_a_map_is_shown_by_what_it_has(shell: Shell) -> None:
    shell.done("set", "m", "map.json")
    assert shell.done("show", "m").splitlines() == [
        "m  a map without an id",
        "states    cart",
        "status    active",
        "next      placed",
    ]
    assert shell.run("history", "m").stderr.startswith("no steps are kept")
    assert shell.run("pending", "m").stderr == "it waits for nothing\n"


def test_all_that_is_shown_is_there_as_json(shell: Shell) -> None:
    started(shell)
    found = shell.json("show", "order:1")
    (deadline,), (step,) = found.pop("pending"), found.pop("history")
    assert found == {
        "key": "order:1",
        "definition": "order@2",
        "states": ["open"],
        "status": "active",
        "revision": 1,
        "reason": None,
        "context": {"total": 30, "paid": 0},
        "output": None,
        "next": ["PAY"],
    }
    assert (deadline["kind"], deadline["status"]) == ("timer", "waiting")
    assert (step["revision"], step["to"], step["forced"]) == (1, ["open"], False)
    assert shell.json("pending", "order:1") == [deadline]
    assert shell.json("history", "order:1") == [step]


def test_the_history_is_read_in_pages(shell: Shell) -> None:
    started(shell)
    for _ in range(3):
        shell.done("send", "order:1", "PAY", "amount=1")
    assert [one["revision"] for one in shell.json("history", "order:1")] == [4, 3, 2, 1]
    assert [one["revision"] for one in shell.json("history", "order:1", "-n", "2")] == [4, 3]
    assert [one["revision"] for one in shell.json("history", "order:1", "--count", "2", "--before", "3")] == [2, 1]


def test_a_task_is_shown_with_its_handle_and_input(shell: Shell, tmp_path: Path) -> None:
    invoke = {"id": "charge", "src": "bank", "input": {"amount": 3}}
    write(tmp_path, task={"id": "t", "initial": "a", "states": {"a": {"invoke": invoke}}})
    shell.done("set", "t", "task.json")
    head, task = shell.done("pending", "t").splitlines()
    assert head.split() == ["kind", "status", "when", "what", "handle"]
    assert re.fullmatch(r'task +active +\d+ s ago +bank +charge@\S+ +{"amount": 3}', task)


# draw


def test_a_machine_is_drawn_with_its_state_marked_and_a_document_without(shell: Shell) -> None:
    shell.done("set", "m", "map.json")
    assert "class s1 active" in shell.done("draw", "m")
    assert shell.done("draw", "map.json").startswith("stateDiagram-v2")
    assert "class s1 active" not in shell.done("draw", "map.json")
    assert shell.done("draw", "-", "-f", "dot", given=json.dumps(MAP)).startswith("digraph")
    assert "neither a file nor the key of a machine" in shell.failed("draw", "nothing")


def test_a_key_is_asked_for_where_a_file_has_its_name(shell: Shell) -> None:
    shell.done("set", "map.json", "map.json")
    assert "class s1 active" not in shell.done("draw", "map.json")
    assert "class s1 active" in shell.done("draw", "map.json", "--key")


def test_the_form_is_that_of_the_file(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.done("draw", "map.json", "-o", "map.dot")
    shell.done("draw", "map.json", "-o", "map.mmd")
    assert (tmp_path / "map.dot").read_text().startswith("digraph")
    assert (tmp_path / "map.mmd").read_text().startswith("stateDiagram-v2")
    assert "No such file" in shell.failed("draw", "map.json", "-o", "none/map.dot")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "Graphviz" in shell.failed("draw", "map.json", "-o", "map.svg")


def test_svg_comes_from_graphviz(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dot = tmp_path / "dot"
    dot.write_text('#!/bin/sh\n[ "$1" = -Tsvg ] || exit 1\nread first\necho "<svg>$first</svg>"\n')
    dot.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(dot))
    assert shell.done("draw", "map.json", "-f", "svg") == "<svg>digraph machine {</svg>\n"
    dot.write_text("#!/bin/sh\ncat > /dev/null\necho out of order >&2\nexit 1\n")
    assert "dot failed: out of order" in shell.failed("draw", "map.json", "-f", "svg")
