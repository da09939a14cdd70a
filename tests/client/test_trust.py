"""What machines remember of those who moved them: the history, and the idempotency keys."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from redisstate import Machine, Machines, NoSuchMachine, Step, TokenReused
from tests.client.conftest import ORDER
from tests.servers import Server

KEEPING = {**ORDER, "store": {"history": 10, "idempotency": 10}}


@pytest.fixture
def kept(client: Any) -> Machine:
    machine = Machine(client, "order:1")
    assert machine.set(KEEPING, input={"total": 30})
    return machine


def test_a_history_has_what_was_done_and_by_whom(kept: Machine) -> None:
    kept.send("PAY", amount=30, reason="by card")
    kept.mutate("cancelled", force=True, reason="a mistake")
    cancelled, paid, *start = kept.history()
    assert (paid.revision, paid.user, paid.event, paid.reason, paid.forced) == (2, "default", "PAY", "by card", False)
    assert (paid.before, paid.after) == (("open",), ("paid",))
    assert (cancelled.before, cancelled.after, cancelled.forced) == (("paid",), ("cancelled",), True)
    assert cancelled.reason == "a mistake"
    assert abs(paid.ms / 1000 - time.time()) < 300
    assert abs((datetime.now(UTC) - paid.time).total_seconds()) < 300
    assert all(entry.revision == 1 for entry in start)
    assert kept.history(count=1) == [cancelled]
    assert kept.history(before=3, count=1) == [paid]
    assert kept.history(before=1) == []
    pipe = kept.pipeline()
    pipe.history(count=1)
    pipe.machine("none").history()
    entries, missing = pipe.execute(raise_on_error=False)
    assert entries == [cancelled]
    assert isinstance(missing, NoSuchMachine)


def test_a_step_without_a_reason_has_none(kept: Machine) -> None:
    kept.mutate("paid", force=True)
    kept.mutate("open", reason="", force=True)
    assert [(entry.reason, entry.forced) for entry in kept.history(count=2)] == [(None, True), (None, True)]


def test_a_deadline_is_no_users(kept: Machine, server: Server) -> None:
    kept.fire(kept.pending()[0].handle)
    (entry,) = kept.history(count=1)
    assert (entry.before, entry.after) == (("open",), ("cancelled",))
    assert (entry.event or "").startswith("xstate.after.")


def test_a_machine_without_a_history_has_none(order: Machine, client: Any) -> None:
    order.send("PAY", amount=1)
    assert order.history() == []
    with pytest.raises(NoSuchMachine):
        Machine(client, "none").history()


def test_the_same_idempotency_key_again_does_nothing_more(kept: Machine) -> None:
    step = kept.send("PAY", amount=30, idempotency_key="payment-77")
    assert step.effects
    assert kept.send("PAY", amount=30, idempotency_key="payment-77") == step
    assert kept.send("PAY", amount=30, idempotency_key="payment-77", if_revision=1) == step, "it is looked at first"
    assert kept.context["paid"] == 30
    with pytest.raises(TokenReused, match="payment-77"):
        kept.send("PAY", amount=10, idempotency_key="payment-77")
    with pytest.raises(TokenReused):
        kept.mutate("paid", idempotency_key="payment-77")
    assert not kept.send("PAY", amount=1, idempotency_key="payment-78")
    task = kept.send("SHIP", idempotency_key="é 1").effects[0].task
    assert kept.done(str(task), {"parcel": 1}, idempotency_key="done").states == ("sent",)
    assert kept.done(str(task), {"parcel": 1}, idempotency_key="done").states == ("sent",)
    assert kept.reset(input={"total": 30}, idempotency_key="again") == kept.reset(
        input={"total": 30}, idempotency_key="again"
    )


def test_a_run_over_many_can_be_begun_anew(client: Any) -> None:
    keys = [f"order:{number}" for number in range(20)]
    for key in keys:
        Machine(client, key).set(KEEPING, input={"total": 100})
    machines = Machines(client, batch=7)
    first = machines.send(keys[:10], "PAY", amount=10, idempotency_key="run-1")
    second = machines.send(keys, "PAY", amount=10, idempotency_key="run-1")
    assert second.results[:10] == first.results
    assert {Machine(client, key).context["paid"] for key in keys} == {10}
    assert all(isinstance(step, Step) and step for _, step in second.results)
