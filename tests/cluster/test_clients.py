"""redis-py's cluster client: keys in every slot, redirections, scripts, reads from replicas."""

from __future__ import annotations

import json

import pytest
import redis
from redis.cluster import LoadBalancingStrategy

from tests.clusters import SLOTS, Cluster, a_key_of_every_slot, errors, slots_of
from tests.contract import enough, with_key
from tests.documents import README, README_GET
from tests.groups import assert_same, caught_up

AT_BLEE = '{"current":"blee","map":{"bar":["blee","boo"],"boo":["blee"]},"initial":"bar"}'


def test_the_readmes_example(cluster: Cluster) -> None:
    """As in the README, except that a command without a key needs a target node."""
    r = cluster.client()
    document = json.loads(r.execute_command("SM.TEMPLATE", target_nodes=r.get_random_node()))
    document["initial"] = "bar"
    document["map"] = {"bar": ["blee", "boo"], "boo": ["blee"]}
    assert r.execute_command("SM.SET", "mystatemachine", json.dumps(document)) == "OK"
    assert r.execute_command("SM.MUTATE", "mystatemachine", "notastate") is None
    assert r.execute_command("SM.MUTATE", "mystatemachine", "blee") == "OK"
    assert r.execute_command("SM.GET", "mystatemachine") == AT_BLEE


def test_keys_in_all_slots(cluster: Cluster) -> None:
    r = cluster.client()
    keys = a_key_of_every_slot()
    document = json.dumps({"map": {"bar": ["blee", "boo"], "boo": ["blee"]}, "initial": "bar"})
    for start in range(0, SLOTS, 2048):
        part = keys[start : start + 2048]
        with r.pipeline() as pipe:
            for key in part:
                pipe.execute_command("SM.SET", key, document)
                pipe.execute_command("SM.MUTATE", key, "notastate")
                pipe.execute_command("SM.MUTATE", key, "blee")
                pipe.execute_command("SM.GET", key)
            assert pipe.execute() == ["OK", None, "OK", AT_BLEE] * len(part)
    for primary in cluster.primaries():
        assert primary.own.dbsize() == slots_of(primary)
        primary.wait_info(machines=slots_of(primary))  # machines of other tests may be freed on another thread
        replica = cluster.replica_of(primary)
        caught_up(primary, replica)
        assert_same(primary, replica)


def test_another_nodes_key_is_redirected(cluster: Cluster) -> None:
    """Every command with a key answers MOVED on the wrong node, and changes nothing there."""
    key = a_key_of_every_slot()[100]
    owner = cluster.owner(100)
    for server in cluster.servers:
        if server is owner:
            continue
        before = errors(server, "MOVED")
        calls = [enough(name, key) for name in with_key()]
        for call in calls:
            with pytest.raises(redis.ResponseError, match=f"100 127.0.0.1:{owner.port}") as caught:
                server.own.execute_command(*call)
            assert type(caught.value).__name__ == "MovedError"
        assert errors(server, "MOVED") == before + len(calls)
    assert owner.own.dbsize() == 0


def test_scripts_and_transactions_stay_within_a_slot(cluster: Cluster) -> None:
    r = cluster.client()
    script = "return {redis.call('SM.SET', KEYS[1], ARGV[1]), redis.call('SM.MUTATE', KEYS[2], 'boo', 'by a script')}"
    r.execute_command("SM.SET", "{order}:2", README)
    assert r.eval(script, 2, "{order}:1", "{order}:2", README) == ["OK", "OK"]
    assert r.execute_command("SM.GET", "{order}:2", "REASON") == "by a script"
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.MUTATE", "{order}:1", "boo")
        pipe.execute_command("SM.MUTATE", "{order}:2", "blee")
        pipe.execute_command("SM.STATE", "{order}:1")
        assert pipe.execute() == ["OK", "OK", ["boo"]]
    with pytest.raises(redis.ResponseError, match=r"(?i)non local key|same slot|don't hash to the same"):
        r.eval("return redis.call('SM.GET', ARGV[1])", 1, "{order}:1", a_key_of_every_slot()[4000])


def test_replicas_answer_readonly_clients(cluster: Cluster) -> None:
    primary = cluster.owner(100)
    replica = cluster.replica_of(primary)
    key = a_key_of_every_slot()[100]
    primary.own.execute_command("SM.SET", key, README)
    caught_up(primary, replica)
    reader = replica.client(single_connection_client=True)
    with pytest.raises(redis.ResponseError):
        reader.execute_command("SM.GET", key)
    reader.execute_command("READONLY")
    assert reader.execute_command("SM.GET", key) == README_GET
    assert reader.execute_command("SM.STATE", key) == ["bar"]
    with pytest.raises(redis.ResponseError) as caught:
        reader.execute_command("SM.MUTATE", key, "boo")
    assert type(caught.value).__name__ == "MovedError"
    r = cluster.client(load_balancing_strategy=LoadBalancingStrategy.ROUND_ROBIN)
    assert {r.execute_command("SM.GET", key) for _ in range(20)} == {README_GET}
