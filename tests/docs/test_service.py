"""The recipes of docs/service.md, with the page's own document, code and users. test_sessions.py plays what the page
shows; here is what it says beside that."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from redis.exceptions import NoPermissionError

from redisstate import InvalidDocument, Machine, Machines
from tests.docs.test_sessions import document
from tests.servers import ROOT, Server, wait_until
from tests.timers.charts import FAILING, handles, pending, wait_for
from tools import servers

PAGE = ROOT / "docs" / "service.md"
TEXT = PAGE.read_text(encoding="utf-8")
STREAM = "orders:effects"
LASTING = {"sent_back", "worker", "pack", "NEW"}
"""What the page's Python assigns for good; all else belongs to its session."""


def part(heading: str) -> str:
    """A part of the page."""
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def defined(r: redis.Redis) -> SimpleNamespace:
    """The page's functions, documents, worker and script."""
    names: dict[str, Any] = {"r": r, "ORDER": json.loads(document(PAGE))}
    names["ORDER"]["delays"]["bank"] = 3_600_000  # no test is that slow
    for block in re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        for statement in ast.parse(block).body:
            kept = isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) in LASTING
            if kept or isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef):
                exec(ast.unparse(statement), names)
    return SimpleNamespace(**names)


@pytest.fixture
def page(r: redis.Redis) -> SimpleNamespace:
    return defined(r)


def bring(page: SimpleNamespace, number: int, *events: str) -> Machine:
    """A new order, to which these events were sent."""
    assert page.create(number, 30)
    order: Machine = page.order(number)
    for event in events:
        assert order.send(event)
    return order


def test_the_pages_document_is_as_it_should_be(r: redis.Redis) -> None:
    assert r.execute_command("SM.CHECK", document(PAGE)) == []


# ---- one step with other data ----

REFUSALS = {
    "CONFLICT": ("SM.SEND", "order:7", "CANCEL", "IFREV", 99),
    "GUARD": ("SM.SEND", "guarded", "PAY"),
    "EXPR": ("SM.SEND", "failing", "PAY"),
}


@pytest.fixture(params=REFUSALS)
def refused(request: pytest.FixtureRequest, r: redis.Redis, page: SimpleNamespace) -> tuple[Any, ...]:
    """A step that is refused with an error, and its code."""
    bring(page, 7, "PLACE")
    for key, guard in (("guarded", "isVip"), ("failing", {"@expr": "context.missing"})):
        states = {"a": {"on": {"PAY": {"guard": guard, "target": "b"}}}, "b": {}}
        r.execute_command("SM.SET", key, json.dumps({"initial": "a", "context": {"n": 1}, "states": states}))
    return request.param, *REFUSALS[request.param]


def test_in_multi_an_error_is_a_reply_and_the_others_are_done(r: redis.Redis, refused: tuple[Any, ...]) -> None:
    code, *words = refused
    pipe = r.pipeline(transaction=True)
    pipe.execute_command(*words)
    pipe.incr("tries")
    refusal, tries = pipe.execute(raise_on_error=False)
    assert str(refusal).startswith(f"{code} ")
    assert tries == 1


@pytest.mark.parametrize(("call", "tries"), [("call", "1"), ("pcall", "2")])
def test_an_error_ends_a_script_where_it_calls_but_not_where_it_asks(
    r: redis.Redis, refused: tuple[Any, ...], call: str, tries: str
) -> None:
    code, *words = refused
    script = f"""
        redis.call('INCR', KEYS[2])
        local states = redis.{call}(unpack(ARGV))
        redis.call('INCR', KEYS[2])
        return {{err = states.err}}"""
    with pytest.raises(redis.ResponseError, match=code):
        r.eval(script, 2, words[1], "tries", *words)
    assert r.get("tries") == tries, "what was written before stays"


def test_a_token_guards_the_step_alone(r: redis.Redis, page: SimpleNamespace) -> None:
    order = bring(page, 7)
    for number in (1, 2):
        pipe = r.pipeline(transaction=True)
        pipe.execute_command("SM.SEND", "order:7", "PLACE", "ID", "t")
        pipe.incr("placed")
        assert pipe.execute() == [["placed"], number]
    assert order.revision == 2


# ---- timeouts, support ----


def test_nobody_pays_and_the_order_is_cancelled(page: SimpleNamespace) -> None:
    order = bring(page, 7, "PLACE")
    (unpaid,) = order.pending()
    assert 1_790_000 < unpaid.ms - order.history(1)[0].ms <= 1_800_000
    assert order.fire(unpaid.handle).states == ("cancelled",)


def test_timeout_does_what_after_does(r: redis.Redis, page: SimpleNamespace) -> None:
    charging = page.ORDER["states"]["charging"]
    charging |= {"timeout": charging.pop("after") and "PT1M", "onTimeout": "unclear"}
    order = bring(page, 7, "PLACE", "PAY")
    (deadline,) = [one for one in order.pending() if one.kind == "timer"]
    assert order.fire(deadline.handle).states == ("unclear",)
    assert handles(r, "order:7") == []


def test_a_refund_of_what_was_never_paid_fails_and_leaves_it_to_support(page: SimpleNamespace) -> None:
    order = bring(page, 7, "PLACE")
    order.mutate("refunding", reason="ticket 4711", force=True)
    assert page.worker.drain().failed == 1
    assert order.states == ("unclear",)


def test_support_does_not_force_what_has_moved_on(r: redis.Redis, page: SimpleNamespace) -> None:
    order = bring(page, 7, "PLACE")
    seen = order.revision
    order.send("CANCEL")
    with pytest.raises(redis.ResponseError, match=r"^CONFLICT"):
        r.execute_command("SM.MUTATE", "order:7", "refunding", "REASON", "late", "FORCE", "IFREV", seen)
    assert r.execute_command("SM.MUTATE", "order:7", "refund", "REASON", "no such state", "FORCE") is None


# ---- who may do what ----


class Users:
    """Clients of the page's users."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.names: list[str] = []
        for rule in re.findall(r"^    (ACL SETUSER .*)$", part("Who may do what"), re.MULTILINE):
            server.own.execute_command(*rule.split())
            self.names.append(rule.split()[2])

    def __getitem__(self, name: str) -> redis.Redis:
        return self.server.client(username=name, password="pass")


@pytest.fixture
def users(server: Server) -> Iterator[Users]:
    made = Users(server)
    yield made
    server.own.execute_command("ACL", "DELUSER", *made.names)


def test_each_user_can_do_its_work(server: Server, users: Users) -> None:
    service, support, worker, dashboard = (users[name] for name in ("service", "support", "worker", "dashboard"))
    shop = defined(service)
    order = bring(shop, 7, "PLACE", "PAY")
    assert not shop.create(7, 30)
    shop.worker.client = worker
    assert shop.worker.drain().done == 1
    assert (order.states, order.next()) == (("paid",), ["PACK"])

    bring(shop, 8, "PLACE", "PAY")
    repaired = Machine(support, "order:8")
    timer, task = [next(one for one in repaired.pending() if one.kind == kind) for kind in ("timer", "task")]
    assert repaired.retry(task.handle)
    assert repaired.fire(timer.handle).states == ("unclear",)
    assert shop.worker.drain().late == 2, "the task, and the one that was handed out again"
    assert repaired.mutate("refunding", reason="ticket 4711", force=True)
    assert repaired.history(1)[0].user == "support"
    assert shop.worker.drain().done == 1

    looks = Machines(dashboard)
    assert looks.count() == {("paid",): 1, ("refunded",): 1}
    assert Machine(dashboard, "order:7").context["receipt"] == "R-30"
    assert Machine(dashboard, "order:7").history(1)[0].user == "worker"
    assert Machine(dashboard, "order:7").pending() == []
    assert dashboard.info("redisstate")["redisstate_machines"] == 2
    listening = dashboard.pubsub()
    listening.psubscribe("__keyspace@0__:order:*")
    assert listening.get_message(timeout=30)["type"] == "psubscribe"
    listening.close()


FORBIDDEN = {
    "service": ["SM.MUTATE order:7 paid", "SM.RESET order:7", "SM.DONE order:7 t", "DEL order:7", "SM.GET other"],
    "support": ["SM.SET order:7 {}", "SM.SEND order:7 PLACE", "SM.DONE order:7 t", "DEL order:7", "SM.GET other"],
    "worker": ["SM.SET order:7 {}", "SM.GET order:7", "SM.MUTATE order:7 paid", "SM.FIRE order:7 t", "XADD o * a b"],
    "dashboard": ["SM.SEND order:7 PLACE", "SM.MUTATE order:7 paid", "SM.GET other", "XREAD STREAMS orders:effects 0"],
}


def test_no_user_can_do_anothers_work(page: SimpleNamespace, users: Users) -> None:
    order = bring(page, 7)
    bring(page, 8)
    assert set(users.names) == FORBIDDEN.keys()
    for name, commands in FORBIDDEN.items():
        for command in [*commands, "SM.APPLY order:7 x", "SM.DUE order:7 1", "FLUSHALL", "CONFIG GET *"]:
            with pytest.raises(NoPermissionError):
                users[name].execute_command(*command.split(" "))
    assert (order.revision, order.states) == (1, ("cart",))


def test_a_service_that_only_moves_orders_cannot_replace_one(
    server: Server, page: SimpleNamespace, users: Users
) -> None:
    bring(page, 7)
    server.own.execute_command("ACL", "SETUSER", "service", "-sm.set", "-xadd")
    service = defined(users["service"])
    assert service.order(7).send("PLACE"), "the machine writes its entries as itself"
    with pytest.raises(NoPermissionError):
        service.create(9, 30)


# ---- notifications, who is in which state ----


def test_an_event_carries_the_key_and_the_command(server: Server, r: redis.Redis, page: SimpleNamespace) -> None:
    server.config("notify-keyspace-events", "Kg")
    (code,) = re.findall(r"^```py\n(.*?)^```$", part("Notifications"), re.MULTILINE | re.DOTALL)
    setup, loop = code.split("for event in events.listen():\n")
    names: dict[str, Any] = {"r": r, "order": page.order}
    exec(setup, names)
    events = names["events"]
    assert events.get_message(timeout=30) is None, "the subscription"
    bring(page, 7, "PLACE")
    assert not page.order(7).send("SHIP")
    told = [wait_until(lambda: events.get_message(timeout=1), "an event") for _ in range(2)]
    assert [(event["channel"], event["data"]) for event in told] == [
        ("__keyspace@0__:order:7", "sm.set"),
        ("__keyspace@0__:order:7", "sm.send"),
    ]
    shown: list[str] = []
    names |= {"event": told[1], "print": lambda *words: shown.append(" ".join(map(str, words)))}
    exec("\n".join(line[4:] for line in loop.splitlines()), names)
    assert shown == [loop.partition("  # ")[2].strip()]
    r.set("end", "1")
    page.order(7).send("CANCEL")
    assert wait_until(lambda: events.get_message(timeout=1), "an event")["data"] == "sm.send", "no other was told"
    events.close()


def test_the_page_names_every_event(server: Server, r: redis.Redis, page: SimpleNamespace) -> None:
    server.config("notify-keyspace-events", "Eg")
    events = r.pubsub(ignore_subscribe_messages=True)
    events.psubscribe("__keyevent@0__:sm.*")
    assert events.get_message(timeout=30) is None
    Machine(r, "empty").create()
    order = bring(page, 7, "PLACE", "PAY")
    order.fail(order.pending()[1].handle, "declined")
    order.send("PAY")
    (task,) = [one.handle for one in order.pending() if one.kind == "task"]
    order.retry(task)
    (task,) = [one.handle for one in order.pending() if one.kind == "task"]
    order.done(task, "R-1")
    order.mutate("packing")
    order.reset(input={"total": 1})
    order.send("PLACE")
    order.fire(order.pending()[0].handle)
    told: set[str] = set()

    def all_told() -> bool:
        event = events.get_message(timeout=1)
        told.update({event["channel"].partition(":")[2]} if event else set())
        return "sm.timer" in told

    wait_until(all_told, "the last event")
    events.close()
    named = set(re.findall(r"`(sm\.\w+)`", part("Notifications")))
    assert told == named


def test_machines_are_found_by_their_type(r: redis.Redis, page: SimpleNamespace) -> None:
    for number in range(20):
        bring(page, number, *(["PLACE"] if number % 2 else []))
    r.set("order:none", "a string")
    found = list(r.scan_iter(_type="StateType", count=500))
    assert sorted(found) == sorted(f"order:{number}" for number in range(20))
    assert Machines(r).count() == {("cart",): 10, ("placed",): 10}


# ---- a new version ----


@pytest.fixture
def running(page: SimpleNamespace) -> Machine:
    """An order whose card is being charged: it has data, a deadline, a task, a reason, history and a TTL."""
    order = bring(page, 7, "PLACE")
    order.send("PAY", reason="by phone", idempotency_key="t")
    order.client.expire("order:7", 1000)
    return order


def test_what_an_upgrade_keeps(r: redis.Redis, page: SimpleNamespace, running: Machine) -> None:
    waits, revision, entries = pending(r, "order:7"), running.revision, r.xlen("orders:effects")
    assert [one["kind"] for one in waits] == ["timer", "task"]
    page.upgrade(running, page.NEW, gift=True)
    assert running.document["version"] == "2"
    assert (running.states, running.reason, running.revision) == (("charging",), "by phone", revision + 1)
    assert running.context == {"total": 30, "receipt": None, "gift": True}
    assert pending(r, "order:7") == waits
    assert r.xlen("orders:effects") == entries, "no action runs, no task is handed out anew"
    page.upgrade(running, page.NEW, gift=False)
    assert running.revision == revision + 1, "once is enough"
    assert page.worker.drain().done == 1
    assert (running.states, running.context["receipt"]) == (("paid",), "R-30")


def test_what_an_upgrade_loses(r: redis.Redis, page: SimpleNamespace, running: Machine) -> None:
    assert len(running.history()) == 3
    page.upgrade(running, page.NEW)
    assert [step.event for step in running.history()] == ["xstate.init"]
    assert r.ttl("order:7") == -1
    running.fire(pending(r, "order:7")[0]["handle"])
    running.mutate("placed", force=True)
    assert running.send("PAY", idempotency_key="t"), "it is done again"


def test_an_upgrade_begins_anew_where_a_step_came_between(page: SimpleNamespace, running: Machine) -> None:
    class Overtaken(Machine):
        @property
        def document(self) -> dict[str, Any]:
            found = super().document
            if running.states == ("charging",):
                page.worker.drain()
            return found

    page.upgrade(Overtaken(running.client, running.key), page.NEW)
    assert (running.states, running.document["version"]) == (("paid",), "2")
    assert running.context["receipt"] == "R-30"


def test_what_is_done_is_left_alone(page: SimpleNamespace) -> None:
    order = bring(page, 7, "PLACE", "CANCEL")
    page.upgrade(order, page.NEW)
    assert order.document["version"] == "1"


def test_a_state_that_is_gone_refuses_and_changes_nothing(page: SimpleNamespace, running: Machine) -> None:
    new = json.loads(json.dumps(page.NEW).replace("charging", "paying"))
    before = running.document, running.revision
    with pytest.raises(InvalidDocument, match="no state 'charging'"):
        page.upgrade(running, new)
    assert (running.document, running.revision) == before


def test_a_delay_with_a_name_may_change_and_one_without_is_missed(page: SimpleNamespace) -> None:
    order = bring(page, 7, "PLACE")
    (before,) = order.pending()
    page.upgrade(order, {**page.NEW, "delays": {"unpaid": 99, "bank": 1}})
    assert order.pending() == [before]
    assert order.fire(before.handle).states == ("cancelled",)

    order = bring(page, 8, "PLACE")
    new = json.loads(json.dumps(page.NEW).replace('"after": {"unpaid": ', '"after": {"PT1H": '))
    page.upgrade(order, new)
    assert order.fire(order.pending()[0].handle).states == ("placed",), "its event is another's"


def test_a_task_under_another_id_is_reported_to_nobody(page: SimpleNamespace, running: Machine) -> None:
    page.upgrade(running, json.loads(json.dumps(page.NEW).replace('"id": "charge"', '"id": "card"')))
    page.worker.drain()
    assert running.states == ("charging",)


def test_what_a_new_document_adds_begins_when_the_state_is_entered(page: SimpleNamespace) -> None:
    order = bring(page, 7, "PLACE", "PAY")
    page.worker.drain()
    new = json.loads(json.dumps(page.NEW))
    new["states"]["paid"] |= {"after": {"bank": "unclear"}, "invoke": {"id": "thank", "src": "thank"}}
    page.upgrade(order, new)
    assert order.pending() == []
    order.mutate("paid", force=True)
    assert [one.kind for one in order.pending()] == ["timer", "task"]


def test_the_way_back(page: SimpleNamespace, running: Machine) -> None:
    waits = running.pending()
    new = json.loads(json.dumps(page.NEW))
    new["states"]["gifts"] = {"on": {"WRAPPED": "paid"}}
    new["states"]["paid"]["on"]["WRAP"] = "gifts"
    page.upgrade(running, new, gift=True)
    page.upgrade(running, page.ORDER)
    assert (running.document["version"], running.states, running.pending()) == ("1", ("charging",), waits)
    assert running.context["gift"] is True, "it does no harm"
    page.worker.drain()
    page.upgrade(running, new)
    running.send("WRAP")
    with pytest.raises(InvalidDocument):
        page.upgrade(running, page.ORDER)
    running.send("WRAPPED")
    page.upgrade(running, page.ORDER)
    assert running.states == ("paid",)


# ---- backup and staging ----


def words_of(program: str) -> list[str]:
    """The page's command that starts a program, without its name."""
    (line,) = re.findall(rf"^    {program} (.*)$", part("Backup and staging"), re.MULTILINE)
    return line.split()


def test_a_backup_in_staging_stands_still(start_server: Callable[..., Server], tmp_path: Any) -> None:
    live = start_server(folder=tmp_path / "live")
    client = servers.command_line(live.binary.path)
    if client is None:
        pytest.skip("neither redis-cli nor valkey-cli of 7.0 or newer is here")
    shop = defined(live.client())
    shop.ORDER["delays"]["unpaid"] = 1
    live.own.config_set("redisstate.fire-timers", "no")
    bring(shop, 7, "PLACE")
    bring(shop, 8, "PLACE", "PAY")
    given = live.own.xrange(STREAM)
    copy = tmp_path / "staging"
    copy.mkdir()
    subprocess.run([client, "-p", str(live.port), *words_of("redis-cli")], cwd=copy, check=True, capture_output=True)
    *_, name, file, log, kept, load, _module, timers, no = words_of("redis-server")
    assert (name, log, load, timers, no) == ("--dbfilename", "--appendonly", "--loadmodule", "fire-timers", "no")
    staging = start_server(folder=copy, settings={"dbfilename": file, "appendonly": kept}, module_args=(timers, no))

    r = staging.client()
    assert Machines(r).count() == {("placed",): 1, ("charging",): 1}
    (unpaid,) = Machine(r, "order:7").pending()
    wait_until(lambda: r.time()[0] * 1000 > unpaid.ms, "it is overdue")
    assert Machine(r, "order:7").states == ("placed",)
    assert staging.info()["timers_fired"] == 0
    assert r.xrange(STREAM) == given
    Machine(r, "order:8").send("CANCEL")
    staging.own.config_set("redisstate.fire-timers", "yes")
    wait_for(r, "order:7", "cancelled")
    assert defined(r).worker.drain().done == 1, "the task has the same id: the stream is the same"


# ---- monitoring ----


def test_every_field_of_info_is_named_and_no_other(server: Server) -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", part("Monitoring"), re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(rows))
    assert sorted(named) == sorted(server.info())


def test_a_deadline_that_does_not_fire_is_seen(server: Server, r: redis.Redis, page: SimpleNamespace) -> None:
    server.config("redisstate.fire-timers", "no")
    page.ORDER["delays"]["unpaid"] = 1
    bring(page, 7, "PLACE")
    (due,) = page.order(7).pending()
    assert server.info()["timers_next_ms"] == due.ms
    server.config("redisstate.fire-timers", "yes")
    wait_for(r, "order:7", "cancelled")
    assert (server.info()["timers"], server.info()["timers_next_ms"]) == (0, 0)


def test_a_deadline_that_failed_is_told_in_the_log_and_the_stream(server: Server, r: redis.Redis) -> None:
    at = len(server.log())
    chart = {**json.loads(FAILING), "store": {"outbox": {"stream": STREAM}}}
    r.execute_command("SM.SET", "order:7", json.dumps(chart))
    wait_until(lambda: pending(r, "order:7")[0]["status"] == "failed", "it fails")
    assert (server.info()["timers"], server.info()["timers_next_ms"]) == (1, 0)
    assert [entry["type"] for _, entry in r.xrange(STREAM)] == ["xstate.due"]
    wait_until(lambda: "order:7" in server.log()[at:], "a line in the log")
