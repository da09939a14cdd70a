"""Pipelines: results as those of the methods, in their order; refusals and missing machines are told apart."""

from __future__ import annotations

from typing import Any

import pytest

from redisstate import ExpressionError, Machine, NoSuchMachine, NotAMachine, NotTaken, Step, Verdict
from tests.client.conftest import MAP, ORDER
from tests.servers import Server


@pytest.mark.parametrize("transaction", [True, False], ids=["MULTI", "plain"])
def test_results_are_those_of_the_methods(order: Machine, transaction: bool) -> None:
    with order.pipeline(transaction=transaction) as pipe:
        pipe.send("PAY", amount=20)
        pipe.can("PAY", amount=5)
        pipe.why("SHIP")
        pipe.next()
        pipe.states()
        pipe.context()
        pipe.output()
        pipe.revision()
        pipe.reason()
        pipe.status()
        pipe.exists()
        pipe.machine("m").set(MAP)
        pipe.machine("m").set(MAP, if_absent=True)
        pipe.machine("m").mutate("placed", reason="a cart")
        pipe.machine("m").reason()
        pipe.machine("m").revision()
        pipe.machine("n").delete()
        pipe.machine("n").exists()
        assert len(pipe) == 18
        results = pipe.execute()
        assert pipe.execute() == []
    assert results == [
        Step(("open",), (), 2, "active"), True, [], ["PAY", "CANCEL"], ("open",), {"total": 30, "paid": 20}, None, 2,
        None, "active", True, Step(("cart",), (), None, "active"), None, Step(("placed",), (), None, "active"),
        "a cart", None, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("setting", ["nil", "error"])
def test_errors_stand_at_their_place_or_the_first_is_raised(server: Server, client: Any, setting: str) -> None:
    server.config("redisstate.invalid-transition", setting)
    order = Machine(client, "order:1")
    order.set(ORDER, input={"total": 30})
    client.execute_command("SET", "text", "a")

    def fill() -> Any:
        pipe = order.pipeline()
        pipe.send("SHIP")
        pipe.send("PAY")
        pipe.machine("none").send("PAY", amount=1)
        pipe.machine("none").context()
        pipe.machine("text").next()
        pipe.send("PAY", amount=1)
        return pipe

    refused, failed, missing, without, other, taken = fill().execute(raise_on_error=False)
    assert refused == Step(("open",), taken=False)
    assert isinstance(failed, ExpressionError)
    assert isinstance(missing, NoSuchMachine)
    assert missing.key == "none"
    assert isinstance(without, NoSuchMachine)
    assert isinstance(other, NotAMachine)
    assert taken.revision == 2
    with pytest.raises(ExpressionError, match="amount"):
        fill().execute()
    assert order.revision == 3, "what stands behind an error is done, too"


def test_a_strict_machines_pipeline_is_strict(client: Any) -> None:
    order = Machine(client, "order:1", strict=True)
    order.set(ORDER, input={"total": 30})
    pipe = order.pipeline()
    pipe.send("SHIP")
    with pytest.raises(NotTaken, match="open"):
        pipe.execute()
    assert pipe.execute() == []


def test_what_is_left_of_a_pipeline_is_not_sent(order: Machine) -> None:
    with order.pipeline() as pipe:
        pipe.send("PAY", amount=1)
    assert pipe.execute() == []
    assert order.revision == 1
    pipe.why("CANCEL", guards=[])
    assert pipe.execute() == [[Verdict("$.states.open.on.CANCEL", "guard 'isOwner' is false")]]
