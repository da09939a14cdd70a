"""RESTORE of corrupt payloads: an error or a valid machine, without a crash, a hang, a leak, or far more memory than
the payload's size.

2,000 payloads; 400,000 in `make fuzz`, each worker with a seed of its own. FUZZ_SEED= repeats a run.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable
from itertools import islice, pairwise

import pytest
import redis

from tests.hostile.mutator import SEEDS, Mutator
from tests.servers import SANITIZER, Server

NAMES = [b"revision", b"ms", b"user", b"event", b"from", b"to", b"reason", b"forced"]
BATCH = 250
WORKERS = 4
MAX_GROWTH = 32 << 20 if not SANITIZER else 2 << 30
"""Bytes by which the process may grow at its peak, for payloads of up to 100 KB: what an allocator may add."""


@pytest.fixture(scope="module")
def seed() -> int:
    return int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(2**32))


def feed(raw: redis.Redis, payloads: list[bytes]) -> tuple[int, int]:
    """Restores each payload, and checks each machine. Returns how many were accepted and how many refused."""
    pipe = raw.pipeline(transaction=False)
    for number, payload in enumerate(payloads):
        pipe.execute_command("RESTORE", f"k{number}", 0, payload)
    replies = pipe.execute(raise_on_error=False)
    accepted = [number for number, reply in enumerate(replies) if reply == b"OK"]
    for reply in replies:
        assert reply == b"OK" or "ad data format" in str(reply) or "checksum are wrong" in str(reply), reply
    for number in accepted:
        check(raw, f"k{number}", payloads[number])
    raw.execute_command("FLUSHALL")
    return len(accepted), len(replies) - len(accepted)


def check(raw: redis.Redis, key: str, payload: bytes) -> None:
    """SM.GET of the machine makes an equal one, by SM.SET and by DUMP and RESTORE."""
    document = raw.execute_command("SM.GET", key)
    shown = payload.hex()
    assert raw.execute_command("SM.SET", "again", document) == b"OK", shown
    assert raw.execute_command("SM.GET", "again") == document, shown
    assert raw.execute_command("RESTORE", "dumped", 0, raw.execute_command("DUMP", key), "REPLACE") == b"OK", shown
    digests = raw.execute_command("DEBUG", "DIGEST-VALUE", key, "dumped", "again")
    compared = digests if raw.execute_command("SM.GET", key, "REVISION") is None else digests[:2]  # it is counted anew
    assert len(set(compared)) == 1, shown
    check_past(raw, key, shown)
    states = raw.execute_command("SM.STATE", key)
    assert states[0] in raw.execute_command("SM.STATE", key, "ALL"), shown


def check_past(raw: redis.Redis, key: str, shown: str) -> None:
    """Entries chain, and what a token is answered with is a reply as any other."""
    entries = raw.execute_command("SM.HISTORY", key)
    assert all(entry[::2] == NAMES for entry in entries), shown
    assert all(newer[9] == older[11] for newer, older in pairwise(entries)), shown
    if entries:
        assert entries[0][1] == raw.execute_command("SM.GET", key, "REVISION"), shown
        assert entries[0][11] == raw.execute_command("SM.STATE", key), shown
    for word in ([], ["ACTIONS"], ["EFFECTS"]):
        for event, token in (("b", "t1"), ("GO", "t2")):
            with contextlib.suppress(redis.ResponseError):
                raw.execute_command("SM.SEND", "dumped", event, "ID", token, *word)
    raw.execute_command("SM.RESET", "dumped")
    assert raw.execute_command("ECHO", "in turn") == b"in turn", shown


def test_the_seeds_are_valid(server: Server) -> None:
    accepted, refused = feed(server.raw(), [value.dump() for value in SEEDS])
    assert (accepted, refused) == (len(SEEDS), 0)


@pytest.mark.parametrize("worker", range(WORKERS))
def test_corrupt_payloads(start_server: Callable[..., Server], long: bool, seed: int, worker: int) -> None:
    server = start_server(settings={"hz": 100, "maxmemory": "1gb", "maxmemory-policy": "noeviction"})
    # The server tries to allocate a string's stated length, and handles it if that fails.
    server.expected.append("WARNING: AddressSanitizer failed to allocate")
    total = (400_000 if long else 2_000) // WORKERS
    print(f"FUZZ_SEED={seed} worker {worker}: {total} payloads")
    raw = server.raw()
    mutated = iter(Mutator(f"{seed}:{worker}"))
    before = server.info("memory")["used_memory"]
    server.reset_peak_memory()
    peak = server.peak_memory()
    accepted = refused = 0
    for _ in range(0, total, BATCH):
        good, bad = feed(raw, list(islice(mutated, BATCH)))
        accepted, refused = accepted + good, refused + bad
    growth = server.peak_memory() - peak
    print(f"{accepted} accepted, {refused} refused; {growth >> 10} KB more at the peak")
    assert accepted > total // 100
    assert refused > total // 4
    assert growth < MAX_GROWTH, f"FUZZ_SEED={seed}"
    server.wait_info(machines=0, definitions=0, nodes=0, edges=0)
    left = server.info("memory")["used_memory"] - before
    assert left < 1 << 20, f"FUZZ_SEED={seed}: {left} bytes are left"
