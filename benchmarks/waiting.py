"""Rows: machines that wait for deadlines, compared with sorted sets of times beside hashes."""

from __future__ import annotations

from tests.documents import compact

from .bench import Bench, Row, median_text, ratios
from .documents import key, stores
from .storage import filled

ORDER = compact({
    "id": "order", "initial": "open",
    "states": {"open": {"after": {"PT15M": "expired"}, "on": {"PAY": "paid"}}, "paid": {}, "expired": {}},
})  # fmt: skip


def run(bench: Bench) -> None:
    memory(bench)


def memory(bench: Bench) -> None:
    """What a deadline adds to a machine, and a sorted set with the key's name."""
    count = bench.size(1_000_000, 100_000)
    names = [key("m", number) for number in range(count)]
    with bench.server() as waiting, bench.server() as idle, bench.server() as with_set:
        deadline = (filled(waiting, stores(names, lambda name: ("SM.SET", name, ORDER)))
                    - filled(idle, stores(names, lambda name: ("SM.SET", name, ORDER, "paid"))))  # fmt: skip
        zadd = stores(names, lambda name: ("ZADD", "deadlines", f"17{int(name[2:]):011d}", name))
        pairs = [(deadline, filled(with_set, zadd, keys=1))] * bench.repetitions
    bench.rows.append(
        Row("deadline-memory", "Memory of a deadline", "a ZSET's member, the key's name", 1.00, ratios(pairs),
            measured=median_text(pairs, 0, "B", digits=1), reference=median_text(pairs, 1, "B", digits=1))
    )  # fmt: skip
