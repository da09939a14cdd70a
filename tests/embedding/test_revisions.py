"""The keyspace event, the outbox's entry, the history's entry and the reply of a step name the same revision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents import compact
from tests.embedding.modules import compile_module
from tests.histories import assert_chained
from tests.servers import MODULE, Server, wait_until
from tests.timers.charts import handles

STORE = {"history": 50, "outbox": {"stream": "s", "of": "steps"}}
CHART = compact(
    {
        "id": "w",
        "initial": "a",
        "store": STORE,
        "states": {
            "a": {
                "invoke": {"id": "t", "src": "s"},
                "after": {"30": {"actions": "tell"}},
                "on": {"GO": {"actions": ["one", "two"]}, "OUT": "b"},
            },
            "b": {"type": "final"},
        },
    }
)


@pytest.fixture
def listened(start_server: Callable[..., Server], tmp_path: Path) -> Server:
    other = compile_module("revision_listener.c", tmp_path)
    return start_server(module=None, settings={"loadmodule": [str(MODULE), str(other)]})


def test_all_name_the_same_revision(listened: Server) -> None:
    r = listened.client()
    told = [r.execute_command("SM.SET", "k", CHART, "INPUT", "{}", "EFFECTS")[5]]
    wait_until(lambda: listened.info()["timers_fired"] == 1, "the deadline fires")
    told.append(2)
    told.append(r.execute_command("SM.SEND", "k", "GO", "EFFECTS", "ID", "x")[5])
    r.execute_command("SM.SEND", "k", "GO", "EFFECTS", "ID", "x")
    r.execute_command("SM.SEND", "k", "NONE")
    told.append(r.execute_command("SM.RETRY", "k", handles(r, "k")[0], "EFFECTS")[5])
    told.append(r.execute_command("SM.DONE", "k", handles(r, "k")[0], "EFFECTS")[5])
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.SEND", "k", "GO", "EFFECTS")
        pipe.execute_command("SM.MUTATE", "k", "b", "REASON", "why", "FORCE", "EFFECTS")
        told += [reply[5] for reply in pipe.execute()]
    told += r.eval(
        "return {redis.call('SM.RESET', 'k', 'EFFECTS')[6], redis.call('SM.SEND', 'k', 'OUT', 'EFFECTS')[6]}", 0
    )
    seen = r.lrange("seen", 0, -1)
    assert [int(revision) for revision in seen[1::3]] == told == [*range(1, len(told) + 1)]
    assert seen[::3] == [
        "sm.set", "sm.timer", "sm.send", "sm.retry", "sm.done", "sm.send", "sm.mutate", "sm.reset", "sm.send",
    ]  # fmt: skip
    written = r.xrange("s")
    assert [int(fields["revision"]) for _, fields in written if fields["type"] == "xstate.step"] == told
    assert [entry["revision"] for entry in assert_chained(r, "k")] == told
    for revision, length in zip(told, seen[2::3], strict=True):  # all of a step is written when its event comes
        assert all(int(fields["revision"]) <= revision for _, fields in written[: int(length)])
        assert all(int(fields["revision"]) > revision for _, fields in written[int(length) :])


def test_a_step_that_its_outbox_refuses_has_no_event(listened: Server) -> None:
    r = listened.client()
    r.execute_command("SM.SET", "k", CHART.replace('"30"', '"600000"'))
    r.delete("s", "seen")
    r.set("s", "no stream")
    before = r.dump("k")
    for words in (("SM.SEND", "k", "GO", "ID", "x"), ("SM.RESET", "k"), ("SM.MUTATE", "k", "b", "why", "FORCE")):
        with pytest.raises(Exception, match="holds no stream"):
            r.execute_command(*words)
    assert (r.dump("k"), r.exists("seen")) == (before, 0)
    r.delete("s")
    assert r.execute_command("SM.SEND", "k", "GO", "ID", "x", "EFFECTS")[5] == 2
