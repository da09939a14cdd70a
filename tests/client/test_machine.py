"""Machine, with each kind of client: what the commands answer, as values."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
import valkey

from redisstate import (
    Conflict,
    Effect,
    ExpressionError,
    GuardError,
    InvalidDocument,
    Machine,
    NoModule,
    NoSuchMachine,
    NotAMachine,
    NotTaken,
    ServerError,
    Step,
    Verdict,
    errors,
)
from tests.client.conftest import MAP, ORDER
from tests.servers import Server


def test_an_order_from_its_start_to_its_end(order: Machine) -> None:
    assert (order.states, order.status, order.revision, order.reason) == (("open",), "active", 1, None)
    assert order.send("PAY", amount=20) == Step(("open",), (), 2, "active")
    step = order.send("PAY", {"amount": 1}, amount=10)
    assert step == Step(("paid",), (Effect("receipt", {"paid": 30}),), 3, "active")
    step = order.send("SHIP", reason="it is packed")
    assert order.reason == "it is packed"
    (effect,) = step.effects
    assert (effect.type, effect.params) == (
        "xstate.spawnChild",
        {"id": "parcel", "src": "ship", "input": {"to": "Oslo"}},
    )
    assert effect.task is not None
    (task,) = order.pending()
    assert (task.kind, task.handle, task.id, task.src) == ("task", effect.task, "parcel", "ship")
    assert (task.input, task.status, task.event) == ({"to": "Oslo"}, "active", None)
    assert abs((datetime.now(UTC) - task.time).total_seconds()) < 300
    assert order.done(effect.task, {"parcel": "P1"}).status == "done"
    assert not order.done(effect.task, {"parcel": "P1"})
    assert (order.states, order.output, order.context) == (("sent",), 30, {"total": 30, "paid": 30})
    assert order.next() == []


def test_a_refused_event_is_told_from_a_missing_machine(client: Any, order: Machine) -> None:
    step = order.send("SHIP")
    assert not step
    assert step == Step(("open",), taken=False)
    missing = Machine(client, "order:2")
    for ask in (missing.next, missing.pending, missing.snapshot, missing.diagram, missing.reset, missing.all_states):
        with pytest.raises(NoSuchMachine, match="'order:2'") as caught:
            ask()
        assert caught.value.key == "order:2"
    for name in ("states", "status", "context", "output", "revision", "reason", "document"):
        with pytest.raises(NoSuchMachine):
            getattr(missing, name)
    for call in (missing.send, missing.mutate, missing.done, missing.fail, missing.retry, missing.fire, missing.can):
        with pytest.raises(NoSuchMachine):
            call("SHIP")  # type: ignore[operator]
    assert not missing.exists()
    assert not missing.delete()
    assert missing.set(MAP, if_present=True) is None
    assert order.set(MAP, if_absent=True) is None
    assert order.exists()


@pytest.mark.parametrize("strict", [False, True])
def test_the_setting_that_says_why_changes_nothing_here(server: Server, client: Any, strict: bool) -> None:
    server.config("redisstate.invalid-transition", "error")
    order, missing = Machine(client, "order:1", strict=strict), Machine(client, "order:2", strict=strict)
    order.set(ORDER, input={"total": 30})
    calls = (lambda: order.send("SHIP"), lambda: order.mutate("sent"), lambda: order.done("x@1"))
    for refused in (*calls, lambda: order.retry("x@1"), lambda: order.fire("x@1")):
        if strict:
            with pytest.raises(NotTaken):
                refused()
        else:
            assert refused() == Step(("open",), taken=False)
    for ask in (lambda: missing.send("SHIP"), lambda: missing.states, lambda: missing.revision, missing.reset):
        with pytest.raises(NoSuchMachine):
            ask()
    assert not missing.exists()
    assert missing.set(MAP, if_present=True) is None
    assert order.set(MAP, if_absent=True) is None
    assert order.output is None


def test_who_may_send_but_not_look_is_answered_all_the_same(server: Server, client: Any, order: Machine) -> None:
    rules = ["reset", "on", "nopass", "~*", "+sm.send", "+sm.get", "+multi", "+exec"]
    server.own.execute_command("ACL", "SETUSER", "sender", *rules)
    kind: Any = redis.Redis if isinstance(client, redis.Redis) else valkey.Valkey
    with kind(port=server.port, username="sender", password="any") as sender:
        limited = Machine(sender, "order:1")
        assert limited.send("SHIP") == Step((), taken=False)
        assert limited.output is None
        pipe = limited.pipeline()
        pipe.send("SHIP")
        pipe.send("PAY", amount=1)
        refused, taken = pipe.execute()
        assert (refused, taken.revision) == (Step((), taken=False), 2)
        with pytest.raises(NotTaken, match=r"not taken: SM\.SEND SHIP"):
            Machine(sender, "order:1", strict=True).send("SHIP")
        with pytest.raises(Exception, match="permission"):
            limited.next()
    server.own.execute_command("ACL", "DELUSER", "sender")


def test_a_strict_machine_raises_what_is_not_taken(client: Any) -> None:
    order = Machine(client, "order:1", strict=True)
    order.set(ORDER, input={"total": 30})
    with pytest.raises(NotTaken, match=r"not taken in open: SM\.SEND SHIP"):
        order.send("SHIP")
    assert order.send("PAY", amount=1)


def test_what_a_writer_believes(client: Any, order: Machine) -> None:
    step = order.send("PAY", amount=1, if_revision=1, if_state="open")
    assert step.revision == 2
    with pytest.raises(Conflict, match="the machine is at revision 2, not 1") as caught:
        order.send("PAY", amount=1, if_revision=1)
    assert caught.value.revision == 2
    with pytest.raises(Conflict) as caught:
        order.reset(if_state="paid")
    assert caught.value.revision is None
    with pytest.raises(Conflict):
        order.mutate("paid", force=True, if_revision=7)
    with pytest.raises(Conflict):
        Machine(client, "order:2").send("PAY", if_revision=7)
    assert Machine(client, "order:2").set(ORDER, input={"total": 1}, if_revision=0)
    assert order.revision == 2


def test_guards_that_the_client_decides(order: Machine) -> None:
    with pytest.raises(GuardError) as caught:
        order.send("CANCEL")
    assert caught.value.guards == ("isOwner",)
    assert not order.can("CANCEL", guards=[])
    assert order.can("CANCEL", guards="isOwner"), "a lone name is one, not its letters"
    assert order.why("CANCEL") == [Verdict("$.states.open.on.CANCEL", "guard 'isOwner' is the client's")]
    assert not order.send("CANCEL", guards=())
    with pytest.raises(ServerError, match="isOwner"):
        order.send("CANCEL", guards=["isowner"])
    assert order.send("CANCEL", guards={"isOwner"}).states == ("cancelled",)


def test_errors_have_what_they_are_about(client: Any, order: Machine) -> None:
    with pytest.raises(InvalidDocument) as caught:
        order.set({"initial": "cart", "map": {"cart": ["placed", 1]}})
    assert (caught.value.path, caught.value.fault) == ("$.map.cart[1]", "expected a string, got a number")
    assert type(caught.value.__cause__).__name__ == "ResponseError"
    with pytest.raises(InvalidDocument) as caught:
        order.set("{")
    assert caught.value.path == "$"
    with pytest.raises(ExpressionError) as failed:
        order.send("PAY")
    assert failed.value.path == "$.states.open.on.PAY.context.paid"
    assert 'no member "amount"' in failed.value.fault
    client.execute_command("SET", "text", "a")
    for ask in (Machine(client, "text").exists, Machine(client, "text").next):
        with pytest.raises(NotAMachine):
            ask()
    assert order.revision == 1, "none of these has changed anything"


def test_a_failed_deadline_says_with_what(client: Any) -> None:
    machine = Machine(client, "m")
    late = {"context": {"n": {"@expr": "1 / context.n"}}}
    machine.set({"initial": "a", "context": {"n": 0}, "states": {"a": {"after": {"PT1H": late}}}})
    (timer,) = machine.pending()
    assert (timer.kind, timer.status, timer.event["type"]) == ("timer", "waiting", timer.id)
    with pytest.raises(ExpressionError):
        machine.fire(timer.handle)


def test_moves_by_name_by_force_and_back(order: Machine) -> None:
    assert order.mutate("sent") == Step(("open",), taken=False)
    step = order.mutate("shipping", reason="paid in cash", force=True)
    assert step.states == ("shipping",)
    assert order.reason == "paid in cash"
    task = step.effects[0].task
    assert task is not None
    again = order.retry(task).effects[0].task
    assert again not in (None, task)
    assert not order.fail(task, "no such address"), "that handle is over"
    assert order.fail(str(again), {"code": 7}).states == ("paid",)
    assert order.reset(input={"total": 5}, reason="once more").revision == 5
    assert order.context == {"total": 5, "paid": 0}
    assert order.fire(order.pending()[0].handle).states == ("cancelled",)


@pytest.mark.parametrize(
    "document", [MAP, {"initial": "cart", "states": {"cart": {"on": {"GO": "placed"}}, "placed": {}}}]
)
@pytest.mark.parametrize("options", [{}, {"force": True}, {"guards": []}, {"if_state": "cart"}, {"data": 1}])
def test_a_step_without_a_reason_keeps_none(client: Any, document: dict[str, Any], options: dict[str, Any]) -> None:
    machine = Machine(client, "cart:1")
    machine.set(document)
    assert machine.mutate("placed", **options).states == ("placed",)
    assert machine.reason is None
    assert "reason" not in machine.document


def test_a_document_goes_on_elsewhere_as_it_stands(client: Any, order: Machine) -> None:
    order.send("PAY", amount=20)
    copy = Machine(client, b"order:\xff")
    step = copy.set(order.document)
    assert step is not None
    assert step.states == ("open",)
    assert copy.context == {"total": 30, "paid": 20}
    assert [found.kind for found in copy.pending()] == ["timer"]
    assert copy.snapshot() == order.snapshot()
    assert copy.set(json.dumps(ORDER), input={"total": 1}, current="paid").states == ("paid",)  # type: ignore[union-attr]
    assert copy.set(json.dumps(ORDER).encode(), current={"paid": {}}, input={"total": 1}) is not None


def test_a_map_with_names_of_any_letters(client: Any) -> None:
    machine = Machine(client, "m")
    assert machine.set({"initial": "für", "map": {"für": ["日本", ""]}}) == Step(("für",), (), None, "active")
    assert machine.next() == ["日本", ""]
    assert machine.send("日本", reason="こ").states == ("日本",)
    assert (machine.reason, machine.revision, machine.context, machine.status) == ("こ", None, None, "done")
    assert machine.all_states() == ("für", "日本", "")
    assert machine.document["current"] == "日本"
    assert machine.diagram("dot").startswith("digraph")
    machine.create()
    assert machine.states == ("",)


def test_what_json_cannot_say_never_reaches_the_server(order: Machine) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        order.send("PAY", amount=float("nan"))
    with pytest.raises(TypeError):
        order.send("PAY", amount={1})
    with pytest.raises(ValueError, match="cannot be both"):
        order.set(MAP, if_absent=True, if_present=True)


def test_a_server_without_the_module_is_named(start_server: Any) -> None:
    server = start_server(module=None)
    with pytest.raises(NoModule, match="has no module redisstate"):
        Machine(server.client(), "m").send("A")
    server.close_clients()


def test_errors_that_are_not_about_machines_stay_the_librarys(server: Server, client: Any, order: Machine) -> None:
    library = type(client).__module__.partition(".")[0]
    server.config("min-replicas-to-write", 1)
    with pytest.raises(Exception, match=r"NOREPLICAS|Not enough good replicas") as caught:
        order.send("PAY", amount=1)
    assert type(caught.value).__module__.startswith(library)


def test_what_is_wrong_with_an_option_is_an_error_of_the_packages(client: Any, order: Machine) -> None:
    asks: list[Callable[[], object]] = [
        lambda: order.send("PAY", type="x"),
        lambda: order.send("PAY", if_revision=-1),
        lambda: order.send("PAY", idempotency_key="x" * 65),
        lambda: order.set(ORDER, input=[1]),  # type: ignore[arg-type]
        lambda: order.history(count=-1),
        lambda: order.history(before=-1),
        lambda: client.execute_command("SM.CREATE", "flat") and Machine(client, "flat").send("y", idempotency_key="a"),
    ]
    for ask in asks:
        with pytest.raises(ServerError):
            ask()
    with pytest.raises(ServerError), errors.translated():
        client.execute_command("SM.SEND", "order:1", "PAY", "GUARDS", "x")


def test_the_place_of_a_fault_has_the_whole_name(client: Any) -> None:
    machine = Machine(client, "k")
    with pytest.raises(InvalidDocument) as invalid:
        machine.set({"initial": "x", "map": {"a: b": [1]}})
    assert (invalid.value.path, invalid.value.fault) == ('$.map["a: b"][0]', "expected a string, got a number")
    on = {"E": {"context": {"v": {"@expr": "event.x"}}}}
    machine.set({"initial": "a: b", "context": {"v": 0}, "states": {"a: b": {"on": on}}})
    with pytest.raises(ExpressionError) as failed:
        machine.send("E")
    assert failed.value.path == '$.states["a: b"].on.E.context.v'


def test_members_that_are_called_like_a_parameter_go_into_data(client: Any) -> None:
    machine = Machine(client, "k")
    on = {"VOID": {"context": {"why": {"@expr": "event.reason + event.guards"}}}}
    machine.set({"initial": "a", "context": {"why": ""}, "states": {"a": {"on": on}}})
    assert machine.send("VOID", {"reason": "double", "guards": "!"}, reason="asked for")
    assert machine.context == {"why": "double!"}


def test_a_command_that_is_sent_again_answers_the_first_step_with_a_key(client: Any) -> None:
    machine = Machine(client, "k")
    machine.set({**MAP, "store": {}})
    words = ["SM.SEND", "k", "placed", "EFFECTS"]
    client.execute_command(*words)  # whose reply is lost
    assert not machine.send("placed"), "a step is refused that was taken"
    client.execute_command("SM.SEND", "k", "paid", "EFFECTS", "ID", "a")
    assert machine.send("paid", idempotency_key="a").states == ("paid",)
