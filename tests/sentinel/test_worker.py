"""A worker of the Python client whose primary is killed: it goes on with the one that the sentinels promote."""

from __future__ import annotations

import threading

from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.client.working import charging, start
from tests.sentinels import NAME, SentinelGroup
from tests.servers import wait_until


def test_a_killed_primary(sentinels: SentinelGroup) -> None:
    client = sentinels.service_discovery().master_for(
        NAME, decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=5
    )
    works = charging(client, claim_after=1.0)
    thread = threading.Thread(target=works.run)
    thread.start()
    try:
        before = start(client, "job:before")
        wait_until(lambda: before.states == ("paid",), "what was there is done")
        client.wait(2, 5000)
        sentinels.primary.kill9()
        promoted = sentinels.wait_for_failover()
        after = start(promoted.client(), "job:after")
        wait_until(lambda: after.states == ("paid",), "what comes is done")
    finally:
        works.stop()
        thread.join(60)
    assert not thread.is_alive()
    assert works.counters.done == 2
