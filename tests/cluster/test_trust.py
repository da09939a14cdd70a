"""What machines keep of their past in a cluster: with their slot it goes to another primary, and to the replica that is
promoted."""

from __future__ import annotations

import pytest

from tests.cluster.test_moving_slots import MOVES, SLOT, Move, key_in_slot, source_and_target
from tests.clusters import Cluster
from tests.groups import assert_same, caught_up
from tests.servers import Server, wait_until
from tests.trusted import asked_again, kept, keys, take_steps

PREFIX = key_in_slot("")


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_a_slot_that_moves_takes_history_and_tokens(cluster: Cluster, move: Move) -> None:
    """Clients that follow ASK and MOVED have the same answer to the same token before, while and after it moves."""
    source, target = source_and_target(cluster)
    r = cluster.client()
    answers = take_steps(r.execute_command, PREFIX)
    before = kept(r.execute_command, PREFIX)
    state = source.digest(*keys(PREFIX))

    def same() -> None:
        assert asked_again(r.execute_command, answers) == answers

    move(cluster, target, same)
    assert cluster.owner(SLOT) is target
    same()
    after = kept(target.own.execute_command, PREFIX)
    assert [one[:3] for one in after] == [one[:3] for one in before]
    assert [one[3] for one in after] == pytest.approx([one[3] for one in before], abs=20_000)
    assert target.digest(*keys(PREFIX)) == state
    for step in (("SM.RESET", PREFIX + "off"), ("SM.MUTATE", PREFIX + "done", "open", "FORCE")):
        assert r.ttl(step[1]) > 0
        r.execute_command(*step)
        assert r.ttl(step[1]) == -1
    replica = cluster.replica_of(target)
    caught_up(target, replica)
    assert_same(target, replica)


def test_a_replica_that_is_promoted_gives_the_same_answers(cluster: Cluster) -> None:
    owner: Server = cluster.owner(SLOT)
    replica = cluster.replica_of(owner)
    r = cluster.client()
    answers = take_steps(r.execute_command, PREFIX)
    before = kept(r.execute_command, PREFIX)
    cluster.promote(replica)
    wait_until(lambda: cluster.owner(SLOT) is replica, "the replica owns the slot")
    assert asked_again(r.execute_command, answers) == answers
    assert kept(replica.own.execute_command, PREFIX) == before
