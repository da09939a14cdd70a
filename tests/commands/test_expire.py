"""store.expire: the key of a machine that is done has a TTL, which goes when the machine goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.documents import compact, flat
from tests.histories import entries
from tests.servers import Server, wait_until
from tests.timers.charts import handles

DAY = 86_400_000
FLAT = flat({"a": ["b", "end"], "b": ["a", "end"], "end": []}, "a", store={"expire": DAY, "history": 9})
CHART = compact(
    {
        "initial": "a",
        "store": {"expire": "1d"},
        "states": {
            "a": {"on": {"GO": "b", "END": "end", "WORK": "w"}},
            "b": {"on": {"GO": "a", "END": "end"}},
            "w": {"invoke": {"id": "t", "src": "s", "onDone": "end"}, "after": {"600000": "end"}},
            "end": {"type": "final"},
        },
    }
)
BOTH = pytest.mark.parametrize("document", [FLAT, CHART], ids=["flat", "chart"])


@pytest.fixture
def r(server: Server) -> redis.Redis:
    return server.client()


def end(r: redis.Redis, key: str = "k") -> None:
    r.execute_command("SM.MUTATE", key, "end")


def has_its_ttl(r: redis.Redis, key: str = "k", ttl: int = DAY) -> bool:
    return ttl - 60_000 < int(r.pttl(key)) <= ttl + 1000  # some servers look at the clock only now and then


NONE = -1


@BOTH
def test_a_machine_that_is_done_has_a_ttl(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    assert r.pttl("k") == NONE
    r.execute_command("SM.MUTATE", "k", "b")
    assert r.pttl("k") == NONE
    end(r)
    assert r.execute_command("SM.GET", "k", "STATUS") == "done"
    assert has_its_ttl(r)


ENDS: list[tuple[str, ...]] = [
    ("SM.SEND", "k", "END"),
    ("SM.MUTATE", "k", "end"),
    ("SM.MUTATE", "k", "end", "why", "FORCE"),
    ("SM.SEND", "k", "END", "EFFECTS", "ID", "x"),
    ("SM.SET", "k", CHART, "end"),
    ("SM.SET", "k", CHART, "CURRENT", "end", "EFFECTS"),
]


@pytest.mark.parametrize("words", ENDS, ids=lambda words: " ".join(words).replace(CHART, "…"))
def test_each_step_that_ends_a_machine_sets_it(r: redis.Redis, words: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", CHART)
    assert r.execute_command(*words)
    assert has_its_ttl(r)


@pytest.mark.parametrize("how", ["SM.DONE", "SM.FIRE", "the deadline"])
def test_the_end_of_a_task_or_a_deadline_sets_it(r: redis.Redis, how: str) -> None:
    r.execute_command("SM.SET", "k", CHART.replace("600000", "30") if how == "the deadline" else CHART)
    r.execute_command("SM.SEND", "k", "WORK")
    if how != "the deadline":
        begins = "t@" if how == "SM.DONE" else "xstate.after"
        r.execute_command(how, "k", next(one for one in handles(r, "k") if one.startswith(begins)))
    wait_until(lambda: r.execute_command("SM.GET", "k", "STATUS") == "done", "the machine ends")
    assert has_its_ttl(r)


def test_a_start_that_ends_at_once_sets_it(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": []}, "a", store={"expire": "1d"}))
    assert has_its_ttl(r)
    ends = {"initial": "a", "store": {"expire": "1d"}, "states": {"a": {"always": "b"}, "b": {"type": "final"}}}
    r.execute_command("SM.SET", "k", compact(ends), "INPUT", "{}", "EFFECTS")
    assert has_its_ttl(r)


@BOTH
@pytest.mark.parametrize("words", [("SM.RESET", "k"), ("SM.MUTATE", "k", "b", "why", "FORCE")], ids=" ".join)
def test_leaving_takes_it_away(r: redis.Redis, document: str, words: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", document)
    end(r)
    assert r.execute_command(*words) == "OK"
    assert r.pttl("k") == NONE
    end(r)
    assert has_its_ttl(r)


@BOTH
def test_what_is_refused_and_what_asks_leaves_it(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    end(r)
    at = r.execute_command("PEXPIRETIME", "k")
    for words in ("SM.SEND k GO", "SM.MUTATE k b", "SM.CAN k GO", "SM.GET k", "SM.HISTORY k"):
        r.execute_command(*words.split())
    with pytest.raises(redis.ResponseError):
        r.execute_command("SM.RESET", "k", "IFREV", "9")
    assert r.execute_command("PEXPIRETIME", "k") == at


@BOTH
def test_a_step_from_one_end_to_another_sets_it_anew(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    end(r)
    r.pexpire("k", 5_000_000)
    r.execute_command("SM.MUTATE", "k", "end", "again", "FORCE")
    assert has_its_ttl(r)


# ---- a TTL of the user's own ----


@BOTH
def test_a_ttl_of_the_users_own_stays_until_the_machine_is_done(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    r.pexpire("k", 5_000_000)
    r.execute_command("SM.MUTATE", "k", "b")
    r.execute_command("SM.RESET", "k")
    assert has_its_ttl(r, ttl=5_000_000)
    end(r)
    assert has_its_ttl(r)


@BOTH
def test_a_ttl_that_the_user_has_set_since_stays(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    end(r)
    r.pexpire("k", 5_000_000)
    r.execute_command("SM.RESET", "k")
    assert has_its_ttl(r, ttl=5_000_000)


@BOTH
def test_what_the_user_takes_away_does_not_come_back_by_itself(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    end(r)
    r.persist("k")
    r.execute_command("DEBUG", "RELOAD")
    assert r.pttl("k") == NONE
    r.execute_command("SM.RESET", "k")
    assert r.pttl("k") == NONE
    r.pexpire("k", 5_000_000)
    r.execute_command("SM.MUTATE", "k", "b")
    assert has_its_ttl(r, ttl=5_000_000)


@BOTH
def test_a_machine_that_replaces_it_has_none(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    end(r)
    r.execute_command("SM.SET", "k", document)
    assert r.pttl("k") == NONE
    end(r)
    r.execute_command("SM.SET", "k", flat({"x": ["x"]}, "x"))
    assert r.pttl("k") == NONE


def test_a_machine_whose_document_says_none_gets_none(r: redis.Redis) -> None:
    for store in ({}, {"store": {}}, {"store": {"history": 3}}):
        r.execute_command("SM.SET", "k", flat({"a": ["b"]}, "a", **store))
        r.execute_command("SM.SEND", "k", "b")
        assert (r.execute_command("SM.GET", "k", "STATUS"), r.pttl("k")) == ("done", NONE)
        r.pexpire("k", 5_000_000)
        r.execute_command("SM.RESET", "k")
        assert has_its_ttl(r, ttl=5_000_000)


# ---- copies ----


@BOTH
def test_a_copy_has_it_too_and_loses_it_likewise(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    end(r)
    r.copy("k", "copy")
    assert r.execute_command("PEXPIRETIME", "copy") == r.execute_command("PEXPIRETIME", "k")
    r.execute_command("SM.RESET", "copy")
    assert r.pttl("copy") == NONE
    assert has_its_ttl(r)
    r.rename("k", "moved")
    r.execute_command("SM.RESET", "moved")
    assert r.pttl("moved") == NONE


@BOTH
def test_a_dump_has_the_ttl_that_restore_is_told(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    end(r)
    payload, at = r.dump("k"), r.execute_command("PEXPIRETIME", "k")
    r.restore("none", 0, payload)
    r.restore("other", 5_000_000, payload)
    r.restore("same", at, payload, absttl=True)
    assert r.pttl("none") == NONE
    for key, ttl in (("none", None), ("other", 5_000_000), ("same", None)):
        r.execute_command("SM.RESET", key)
        assert has_its_ttl(r, key, ttl) if ttl else r.pttl(key) == NONE


@BOTH
@pytest.mark.parametrize("how", ["rdb", "aof", "aof rewritten"])
def test_it_survives_a_restart(start_server: Callable[..., Server], document: str, how: str) -> None:
    aof = {"appendonly": "yes", "aof-use-rdb-preamble": "no" if how == "aof rewritten" else "yes"}
    server = start_server(settings={"save": "3600 1"} if how == "rdb" else aof)
    for key in ("k", "left"):
        server.own.execute_command("SM.SET", key, document)
        end(server.own, key)
    server.own.execute_command("SM.RESET", "left")
    if how == "aof rewritten":
        server.own.bgrewriteaof()
        server.wait_for_child()
    at = server.own.execute_command("PEXPIRETIME", "k")
    server.restart()
    assert server.own.execute_command("PEXPIRETIME", "k") == at
    assert server.own.pttl("left") == NONE
    server.own.execute_command("SM.RESET", "k")
    assert server.own.pttl("k") == NONE


# ---- the end ----


@pytest.mark.parametrize("chart", [False, True], ids=["flat", "chart"])
def test_what_expires_is_gone_and_so_is_its_past(server: Server, r: redis.Redis, chart: bool) -> None:
    store = {"expire": 30, "history": 9}
    states = {"a": {"on": {"end": "end"}, "after": {"600000": "end"}}, "end": {"type": "final"}}
    document = compact({"initial": "a", "store": store, "states": states})
    r.execute_command("SM.SET", "k", document if chart else flat({"a": ["end"]}, "a", store=store))
    r.execute_command("SM.SEND", "k", "end", "ID", "x")
    wait_until(lambda: not r.exists("k"), "the key expires")
    assert r.execute_command("SM.SEND", "k", "end", "ID", "x") is None
    assert r.execute_command("SM.HISTORY", "k") is None
    server.wait_info(machines=0)
    r.execute_command("SM.SET", "k", flat({"a": ["end"]}, "a", store={"history": 9}))
    assert [one["revision"] for one in entries(r, "k")] == [1]


def test_a_ttl_in_a_transaction_and_a_script(r: redis.Redis) -> None:
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.SET", "k", FLAT)
        pipe.execute_command("SM.MUTATE", "k", "end")
        pipe.execute_command("PTTL", "k")
        pipe.execute_command("SM.RESET", "k")
        pipe.execute_command("PTTL", "k")
        replies = pipe.execute()
    assert DAY - 60_000 < replies[2] <= DAY + 60_000  # the time of a transaction is that of its begin
    assert replies[4] == NONE
    script = "redis.call('SM.MUTATE', KEYS[1], 'end') return redis.call('PTTL', KEYS[1])"
    assert DAY - 60_000 < r.eval(script, 1, "k") <= DAY + 60_000


@pytest.mark.parametrize("expire", ["P30D", 1, "36500d"])
def test_short_and_long_ttls(r: redis.Redis, expire: object) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["end"]}, "a", store={"expire": expire}))
    r.execute_command("SM.SEND", "k", "end")
    if expire == 1:
        wait_until(lambda: not r.exists("k"), "the key expires")
    else:
        assert has_its_ttl(r, ttl={"P30D": 30 * DAY, "36500d": 36_500 * DAY}[str(expire)])


# ---- what done means ----


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (flat({}, ""), "done"),
        (flat({"a": []}, "a"), "done"),
        (flat({"b": ["a"]}, "a"), "done"),
        (flat({"a": ["a"]}, "a"), "active"),
        (flat({"": [""]}, ""), "active"),
        (flat({",": [], "x": ["a{", ":["]}, ","), "done"),
        (flat({'a"': ["b"], "b": []}, 'a"'), "active"),
        (compact({"initial": "a", "states": {"a": {}}}), "active"),
        (compact({"initial": "a", "states": {"a": {"type": "final"}}}), "done"),
    ],
)
def test_a_flat_machine_is_done_where_no_move_leads_on(r: redis.Redis, document: str, status: str) -> None:
    r.execute_command("SM.SET", "k", document)
    assert r.execute_command("SM.GET", "k", "STATUS") == status
    assert f'"status":"{status}"' in r.execute_command("SM.GET", "k", "SNAPSHOT")
