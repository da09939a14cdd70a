"""The command line finds out that a server belongs to a cluster, and asks the nodes that have the keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.command_line import MAP, Shell, rest_of, write
from tests.clusters import SLOTS, Cluster, a_key_of_every_slot


def test_every_node_leads_to_every_key(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, map=MAP)
    keys = [a_key_of_every_slot()[slot] for slot in (0, SLOTS // 2, SLOTS - 1)]
    for server in cluster.primaries():
        server.config("notify-keyspace-events", "Kg")
    for server in cluster.servers[::3]:
        shell = Shell(server)
        assert shell.run("check", "map.json").exit_code == 0
        assert shell.done("draw", "map.json").startswith("stateDiagram-v2")
        for key in keys:
            assert shell.done("set", key, "map.json") == "cart\n"
            assert shell.done("send", key, "placed") == "placed\n"
            assert shell.json("show", key)["next"] == ["paid", "cancelled"]
            assert "class s2 active" in shell.done("draw", key)
            assert shell.json("pending", key) == []
            assert "does not take cart" in shell.failed("send", key, "cart")
            process = shell.start("watch", key, "--until", "paid", "--timeout", "60")
            assert process.stdout is not None
            process.stdout.readline()
            shell.done("send", key, "paid")
            shown, said = rest_of(process)
            assert (process.returncode, said) == (0, "")
            assert "sm.send  placed → paid" in shown
        found = shell.json("top", "--interval", "0.1")
        assert found["machines"] == found["looked_at"] == len(keys)
        assert shell.failed("show", "nothing") == "redisstate: there is no machine at 'nothing'\n"
