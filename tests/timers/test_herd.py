"""Very many deadlines that are due when the server comes back: each fires once, in its order, and a replica follows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from tests.groups import STRICT, caught_up, digest, follow
from tests.servers import Server, wait_until
from tests.timers.charts import waiting

LIMIT = 8 << 20
"""Bytes that wait for the replica; beyond it the server ends its connection."""
AT_ONCE = 1000


@pytest.mark.parametrize("count", [5_000, pytest.param(200_000, marks=pytest.mark.long)])
def test_a_herd_after_a_restart(start_server: Callable[..., Server], count: int) -> None:
    still = ["fire-timers", "no"]
    saves = {**STRICT, "save": "3600 1000000", "repl-diskless-sync-delay": 0}
    primary = start_server(settings=saves, module_args=still)
    replica = start_server(settings={**STRICT, "appendonly": "yes", "aof-use-rdb-preamble": "no"}, module_args=still)
    document = waiting(1)
    with primary.own.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.execute_command("SM.SET", f"k{number:06}", document)
            if number % AT_ONCE == AT_ONCE - 1:
                pipe.execute()
    primary.own.save()
    primary.kill9()
    r = primary.start_again().client()
    r.config_set("client-output-buffer-limit", f"replica {LIMIT} {LIMIT} 60")
    follow(primary, replica)
    primary.config("redisstate.fire-timers", "yes")
    waits = []

    def has_fired() -> bool:
        waits.extend(int(one["omem"]) for one in r.client_list(_type="replica"))
        begun = time.monotonic()
        r.ping()
        assert time.monotonic() - begun < 1  # clients are served meanwhile
        return bool(primary.info()["timers_fired"] == count)

    wait_until(has_fired, "all have fired")
    caught_up(primary, replica)
    assert primary.info("stats")["sync_full"] == 1
    assert max(waits) < LIMIT
    assert digest(primary) == digest(replica)
    log = b"".join(path.read_bytes() for path in sorted(replica.folder.glob("appendonlydir/*.aof")))
    assert re.findall(rb"SM\.DUE\r\n\$\d+\r\nk(\d+)", log) == [b"%06d" % number for number in range(count)]
