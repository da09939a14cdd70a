"""The examples of docs/workflows.md, with the page's own charts and its own worker: what happens when all goes well, or
when workers die, report twice or too late, and deadlines fire."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.docs.test_sessions import document
from tests.servers import ROOT, Server, wait_until
from tests.timers.charts import handles, pending, state, wait_for

PAGE = ROOT / "docs" / "workflows.md"
TEXT = PAGE.read_text(encoding="utf-8")
STREAM = "shop:effects"
CHARTS = ["order", "mail", "trip", "claim"]

Services = dict[str, Callable[..., Any]]


def definitions(r: redis.Redis) -> dict[str, Any]:
    """The page's worker and its group, and the services of its first example."""
    port = r.connection_pool.connection_kwargs["port"]
    worker, example, *_ = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(worker.replace("redis.Redis(", f"redis.Redis(port={port}, ") + example.partition("\nwork(")[0], names)
    return names


class Shop:
    """A server with the page's group, and workers of the page's code."""

    def __init__(self, r: redis.Redis) -> None:
        self.r = r
        self.page = definitions(r)
        self.done: list[str] = self.page["done"]

    def start(self, name: str, given: object = None, **replaced: str) -> str:
        """Stores the page's chart; ``replaced`` are texts in it, by what they are replaced with."""
        chart = document(PAGE, name)
        for old, new in replaced.items():
            assert old in chart
            chart = chart.replace(old, new)
        key = f"{name}:1"
        self.r.execute_command("SM.SET", key, chart, *([] if given is None else ["INPUT", json.dumps(given)]))
        return key

    def work(self, services: Services, worker: str = "w1", idle: int = 60_000) -> list[str]:
        types: list[str] = self.page["work"](worker, services, idle, 1)
        return types

    def work_off(self, services: Services) -> None:
        """Until nothing is left in the stream."""
        while self.work(services):
            pass
        assert self.r.xpending(STREAM, "workers")["pending"] == 0

    def fire(self, key: str) -> list[str]:
        """Lets the only deadline fire now."""
        (timer,) = [one["handle"] for one in pending(self.r, key) if one["kind"] == "timer"]
        states: list[str] = self.r.execute_command("SM.FIRE", key, timer)
        return states

    def types(self) -> list[str]:
        return [entry["type"] for _, entry in self.r.xrange(STREAM)]


@pytest.fixture
def shop(r: redis.Redis) -> Shop:
    return Shop(r)


def failing(*_: object) -> None:
    raise OSError("out of order")


@pytest.mark.parametrize("name", CHARTS)
def test_sm_check_finds_nothing_but_the_clients_guard(r: redis.Redis, name: str) -> None:
    found = {message for _, _, message in r.execute_command("SM.CHECK", document(PAGE, name))}
    assert found == ({"no guard 'signedIn' is defined: the client decides it"} if name == "claim" else set())


# ---- an order ----


def test_an_order_that_is_paid_in_time_does_not_expire(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("order", {"total": 30})
    r.execute_command("SM.SEND", key, "PAY")
    shop.work_off(shop.page["shop"])
    assert (state(r, key), handles(r, key), shop.done) == (["paid"], [], ["shipped"])
    assert json.loads(r.execute_command("SM.GET", key, "CONTEXT"))["receipt"] == "30 paid"


def test_an_order_that_nobody_pays_expires_by_itself(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("order", {"total": 30}, PT15M="50ms")
    wait_for(r, key, "expired")
    shop.work_off(shop.page["shop"])
    assert shop.done == ["back on the shelf"]
    assert r.execute_command("SM.SEND", key, "PAY") is None


def test_its_time_goes_on_while_it_is_charged(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("order", {"total": 30})
    (before,) = pending(r, key)
    r.execute_command("SM.SEND", key, "PAY")
    shop.work(shop.page["shop"] | {"charge": failing})
    assert state(r, key) == ["unpaid.open"]
    assert pending(r, key) == [before]


def test_a_payment_that_comes_after_it_expired_is_sent_back_once(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("order", {"total": 30})
    r.execute_command("SM.SEND", key, "PAY")

    def slow(_: object, entry: dict[str, str]) -> str:
        if state(r, key) != ["expired"]:
            shop.fire(key)
        return f"receipt {entry['id']}"

    services = shop.page["shop"] | {"charge": slow}
    ((_, entry),) = r.xrange(STREAM)
    for _ in range(2):  # the second worker has the same entry
        shop.page["report"](entry, json.loads(entry["params"]), services)
    shop.work_off(services)
    assert state(r, key) == ["refunded"]
    assert shop.done == ["back on the shelf", f"sent back: receipt {entry['id']}"]


def test_a_worker_that_dies_before_its_report_leaves_the_task_to_another(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("order", {"total": 30})
    r.execute_command("SM.SEND", key, "PAY")
    r.xreadgroup("workers", "dead", {STREAM: ">"})
    assert shop.work(shop.page["shop"]) == []
    assert shop.work(shop.page["shop"], idle=0) == ["xstate.spawnChild"]
    shop.work_off(shop.page["shop"])
    assert (state(r, key), shop.done) == (["paid"], ["shipped"])


def test_a_worker_that_dies_after_its_report_does_no_harm(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("order", {"total": 30})
    r.execute_command("SM.SEND", key, "PAY")
    ((_, ((_, entry),)),) = r.xreadgroup("workers", "dead", {STREAM: ">"})
    shop.page["report"](entry, json.loads(entry["params"]), shop.page["shop"])
    before = r.execute_command("SM.GET", key, "REVISION")
    assert shop.work(shop.page["shop"], idle=0) == ["xstate.spawnChild", "xstate.stopChild", "ship"]
    assert (state(r, key), shop.done) == (["paid"], ["shipped"])
    assert r.execute_command("SM.GET", key, "REVISION") == before


# ---- a retry ----


def test_each_attempt_waits_twice_as_long_and_the_fifth_is_the_last(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("mail", {"to": "ann@example.org"})
    waited = []
    while True:
        shop.work({"send": failing})
        if state(r, key) == ["failed"]:
            break
        (timer,) = pending(r, key)
        failed = int(r.xrevrange(STREAM, count=1)[0][1]["ms"])
        waited.append(round((timer["due"] - failed) / 1000))
        assert shop.fire(key) == ["sending"]
    assert waited == [1, 2, 4, 8]
    assert shop.types().count("xstate.spawnChild") == 5
    alerts: list[object] = []
    shop.work_off({"alert": lambda params, entry: alerts.append(params)})
    assert alerts == [{"error": "out of order"}]


def test_it_is_tried_again_by_itself(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("mail", {"to": "ann@example.org"}, **{'"wait": 1000': '"wait": 10'})
    answers = iter([failing, failing, lambda *_: "accepted"])

    def send(*given: object) -> Any:
        return next(answers)(*given)

    wait_until(lambda: shop.work({"send": send}) and state(r, key) == ["sent"], "it is sent")
    assert json.loads(r.execute_command("SM.GET", key, "CONTEXT"))["attempt"] == 3


# ---- a saga ----


def booking(*, full: str = "", undone: list[str], cannot: str = "") -> Services:
    """Three services, of which one has no room; cancellations are told in ``undone``, and of one fail."""

    def book(name: str) -> Callable[..., Any]:
        return failing if name == full else lambda trip, entry: f"{name} to {trip['to']}"

    def cancel(name: str) -> Callable[..., Any]:
        return failing if name == cannot else lambda booked, entry: undone.append(booked)

    parts = ("flight", "hotel", "car")
    return {f"{name}.book": book(name) for name in parts} | {f"{name}.cancel": cancel(name) for name in parts}


def test_three_that_succeed_are_booked(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("trip", {"to": "Oslo"})
    assert shop.types() == ["xstate.spawnChild"] * 3, "all at the same time"
    shop.work_off(booking(undone=shop.done))
    assert (state(r, key), shop.done) == (["booked"], [])
    assert json.loads(r.execute_command("SM.GET", key, "CONTEXT"))["hotel"] == "hotel to Oslo"


@pytest.mark.parametrize("full", ["flight", "hotel", "car"])
def test_one_that_fails_undoes_the_others_whichever_came_first(r: redis.Redis, shop: Shop, full: str) -> None:
    key = shop.start("trip", {"to": "Oslo"})
    shop.work_off(booking(full=full, undone=shop.done))
    assert state(r, key) == ["cancelled"]
    assert shop.done == [f"{name} to Oslo" for name in ("flight", "hotel", "car") if name != full]


def test_a_cancellation_that_fails_is_tried_again(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("trip", {"to": "Oslo"})
    for _ in range(3):
        shop.work_off(booking(full="hotel", undone=shop.done, cannot="car"))
        assert state(r, key) == ["going.flight.none", "going.hotel.none", "going.car.again"]
        assert shop.fire(key)[2] == "going.car.undoing"
    shop.work_off(booking(undone=shop.done))
    assert (state(r, key), shop.done) == (["cancelled"], ["flight to Oslo", "car to Oslo"])


# ---- an approval ----


def answer(r: redis.Redis, word: str, role: str, *guards: str) -> Any:
    data = json.dumps({"role": role})
    return r.execute_command("SM.SEND", "claim:1", word, "DATA", data, "GUARDS", len(guards), *guards)


def test_who_is_asked_may_approve_or_reject_and_nobody_else(r: redis.Redis, shop: Shop) -> None:
    for word, outcome in [("APPROVE", "approved"), ("REJECT", "rejected")]:
        shop.start("claim")
        assert answer(r, word, "head", "signedIn") is None
        assert answer(r, word, "lead") is None
        with pytest.raises(redis.ResponseError, match=r"^GUARD the client decides 'signedIn'"):
            r.execute_command("SM.SEND", "claim:1", word, "DATA", '{"role": "lead"}')
        assert answer(r, word, "lead", "signedIn") == [outcome]


def test_a_deadline_asks_the_next_and_after_the_last_it_lapses(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("claim", P1D="50ms")
    wait_for(r, key, "lapsed")
    asked: list[str] = []
    shop.work_off({"ask": lambda params, entry: asked.append(params["role"])})
    assert asked == ["lead", "head", "board"]


def test_who_was_passed_over_is_not_heard_any_more(r: redis.Redis, shop: Shop) -> None:
    key = shop.start("claim")
    assert shop.fire(key) == ["asked"]
    assert answer(r, "APPROVE", "lead", "signedIn") is None
    assert answer(r, "APPROVE", "head", "signedIn") == ["approved"]
    assert pending(r, key) == []


# ---- what the page says of the stream ----


@pytest.mark.parametrize("command", ["SM.SET", "SM.RESET", "DEL"])
def test_what_ends_a_machine_ends_its_tasks_silently(r: redis.Redis, shop: Shop, command: str) -> None:
    key = shop.start("mail", {"to": "ann@example.org"})
    (task,) = handles(r, key)
    chart = [document(PAGE, "claim")] if command == "SM.SET" else []
    r.execute_command(command, key, *chart, *(["INPUT", '{"to": "bob"}'] if command == "SM.RESET" else []))
    assert "xstate.stopChild" not in shop.types()
    assert r.execute_command("SM.DONE", key, task) is None


def test_trimming_by_the_slowest_group_keeps_what_is_needed(r: redis.Redis, shop: Shop) -> None:
    r.xgroup_create(STREAM, "slow", id="0")
    for _ in range(3):
        shop.start("claim")
    places = [place for place, _ in r.xrange(STREAM)]
    shop.work_off({})
    r.xreadgroup("slow", "s1", {STREAM: ">"}, count=2)
    r.xack(STREAM, "slow", places[0])

    def trim() -> list[str]:
        groups = r.xinfo_groups(STREAM)
        needed = [r.xpending(STREAM, group["name"])["min"] or group["last-delivered-id"] for group in groups]
        r.xtrim(STREAM, minid=min(needed), approximate=False)
        return [place for place, _ in r.xrange(STREAM)]

    assert trim() == places[1:], "the second is pending, the third was not read"
    r.xack(STREAM, "slow", places[1])
    assert trim() == places[1:], "up to the last that was read"


def test_the_pages_users_have_all_the_rights_that_they_need(server: Server, r: redis.Redis, shop: Shop) -> None:
    rules = re.findall(r"^    (ACL SETUSER .*)$", TEXT, re.MULTILINE)
    for rule in rules:
        server.own.execute_command(*rule.split())
    deploy, worker = [server.client(username=rule.split()[2], password="secret") for rule in rules]
    deploy.execute_command("SM.SET", "order:1", document(PAGE, "order"), "INPUT", '{"total": 3}')
    r.execute_command("SM.SEND", "order:1", "PAY")
    shop.page["r"] = worker
    shop.work_off(shop.page["shop"] | {"charge": lambda *_: shop.fire("order:1") and "r1"})
    assert state(r, "order:1") == ["refunded"]
    server.own.execute_command("ACL", "SETUSER", "deploy", "-xadd")
    with pytest.raises(redis.exceptions.NoPermissionError, match="may write to by XADD"):
        deploy.execute_command("SM.SET", "order:2", document(PAGE, "order"), "INPUT", '{"total": 3}')
    for rule in rules:
        server.own.execute_command("ACL", "DELUSER", rule.split()[2])


def test_a_deadline_that_meets_full_memory_fires_later(server: Server, r: redis.Redis, shop: Shop) -> None:
    server.config("maxmemory-policy", "noeviction")
    server.config("redisstate.fire-timers", "no")
    key = shop.start("order", {"total": 30}, PT15M="1ms")
    server.config("maxmemory", 1)
    server.config("redisstate.fire-timers", "yes")
    began = r.time()[0]
    wait_until(lambda: r.time()[0] > began + 1, "it was due for a second")
    assert [one["status"] for one in pending(r, key)] == ["waiting"]
    server.config("maxmemory", 0)
    wait_for(r, key, "expired")
