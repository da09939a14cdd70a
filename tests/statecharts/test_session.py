"""A session with statecharts: replicas and the AOF have the same data as the server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.documents import compact
from tests.groups import STRICT, assert_same, caught_up, digest, follow, run_all
from tests.servers import Server
from tests.statecharts.charts import PLAYER, PLAYER_TEXT

HISTORY = {"player.session.back": [{"id": "player.session.track.c"}, {"id": "player.session.volume.low"}]}

SESSION = [
    ("SM.SET", "k", PLAYER_TEXT),
    *[("SM.SEND", "k", event) for event in ("START", "NEXT", "NOPE", "LOUDER", "PAUSE")],
    ("SM.SEND", "k", "RESUME", "ACTIONS"),
    ("SM.SET", "by path", PLAYER_TEXT, "session.volume.high"),
    ("SM.SET", "by value", PLAYER_TEXT, '{"session":{"track":"b"}}'),
    ("SM.SET", "by history", compact({**PLAYER, "historyValue": HISTORY}), "paused"),
    ("SM.SEND", "by history", "RESUME"),
    ("SM.SET", "by history too", compact({**PLAYER, "current": "paused", "historyValue": HISTORY})),
    ("SM.MUTATE", "by path", "paused", "by a transition"),
    ("SM.MUTATE", "by value", "session.back", "by force", "FORCE"),
    ("SM.SET", "done", PLAYER_TEXT, "paused"),
    ("SM.SEND", "done", "STOP"),
    ("SM.SEND", "done", "START"),
    ("SM.SET", "reset", PLAYER_TEXT, "session"),
    ("SM.SEND", "reset", "PAUSE"),
    ("SM.RESET", "reset", "ACTIONS"),
]


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_replicas_and_the_aof_agree(start_server: Callable[..., Server], preamble: str) -> None:
    settings = {**STRICT, "appendonly": "yes", "aof-use-rdb-preamble": preamble, "auto-aof-rewrite-percentage": 0}
    primary, replica = start_server(settings=settings), start_server(settings=settings)
    follow(primary, replica)
    before = digest(primary)
    replies = run_all(primary.client(), SESSION[:8])
    primary.own.bgrewriteaof()
    primary.wait_for_child()
    replies += run_all(primary.client(), SESSION[8:], transaction=True)
    assert replies[3] is None
    assert replies[6] == [["session.track.b", "session.volume.high"], ["open", "play"]]
    assert not [reply for reply in replies if isinstance(reply, Exception)]
    caught_up(primary, replica)
    assert_same(primary, replica)
    after = digest(primary)
    assert after != before
    documents = {key: primary.own.execute_command("SM.GET", key) for key in primary.own.keys("*")}
    for server in (primary, replica):
        server.kill9() if server is replica else server.stop()
        server.start_again()
        assert digest(server) == after
        assert {key: server.own.execute_command("SM.GET", key) for key in server.own.keys("*")} == documents
        assert server.client(db=0).execute_command("SM.CAN", "k", "PAUSE") == 1
