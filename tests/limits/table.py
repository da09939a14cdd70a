"""The table of this suite: every command, what is wrong or large about an argument of it, and what it answers.

A new command needs rows here; a new option one more. ``ANY`` stands where a setting or an option decides.
"""

from __future__ import annotations

from typing import NamedTuple

from sm_core.document import Limits
from tests.charts_with_data import ORDER, WAITS
from tests.documents import README, compact

MEGABYTE = 1 << 20
LARGE = Limits().document_bytes
"""As large as a document may be: it is read, where one that is larger is not."""

ACCEPTED, NIL, ERROR, ANY = "accepted", "nil", "error", "any"
X = "<the argument>"

HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "NUL": b"a\x00b",
    "no UTF-8": b"\xff\xfe",
    "8 MB": b"x" * (8 * MEGABYTE),
    "dots": b"." * LARGE,
    "backslashes": b"\\" * LARGE,
    "quotes": b'"' * LARGE,
    "brackets": b"[" * LARGE,
    "members": b'{"a":' * (LARGE // 5),
    "a number": b"-9223372036854775809",
}
"""What stands for ``X``, one after the other."""

CHART = compact({
    "initial": "a",
    "states": {"a": {"on": {"GO": "b", "b.*": "b"}}, "b": {"on": {"*": "a"}, "entry": "in"}},
})  # fmt: skip
"""At the key ``chart``. The key ``order`` has a chart with data, ``waits`` one that waits, ``kept`` one that keeps its
last two steps and tokens, ``map`` the README's machine, ``string`` no machine, ``none`` nothing."""
KEPT = compact({
    "initial": "a", "store": {"history": 2, "idempotency": 2}, "states": {"a": {"on": {"*": {"actions": "tell"}}}},
})  # fmt: skip
STANDING = {"map": README, "chart": CHART, "order": ORDER, "waits": WAITS, "kept": KEPT}


class Call(NamedTuple):
    """A call with one argument ``X``, what it answers, and for what it answers something else."""

    words: tuple[str, ...]
    answer: str
    but: tuple[tuple[str, str], ...] = ()


A_TOKEN = tuple((kind, ACCEPTED) for kind in ("NUL", "no UTF-8", "a number"))
A_TOKEN_OF_NOTHING = tuple((kind, NIL) for kind, _ in A_TOKEN)

TABLE: dict[str, list[Call]] = {
    "SM.APPLY": [
        Call((X, "\x01\x03\x00\x01\x00\x00\x00b" + 9 * "\x00"), NIL),
        Call(("string", X), ERROR),
        Call(("map", X), ERROR),
        Call(("order", X), ERROR),
        Call(("new", X), ERROR),
    ],
    "SM.CAN": [
        Call(("order", X, "WHY"), ACCEPTED),
        Call(("order", "PAY", "DATA", X), ERROR),
        Call(("order", "PAY", "GUARDS", X), ERROR),
        Call(("order", "PAY", "GUARDS", "1", X), ERROR),
        Call((X, "b"), NIL),
        Call(("string", X), ERROR),
        Call(("map", X), ACCEPTED),
        Call(("chart", X), ACCEPTED),
        Call(("map", "b", X), ERROR),
    ],
    "SM.CHECK": [Call((X,), ACCEPTED), Call((README, X), ERROR)],
    "SM.CREATE": [Call(("string", X), ERROR), Call(("new", X), ERROR)],
    "SM.DIAGRAM": [Call((X,), NIL), Call(("string", X), ERROR), Call(("map", X), ERROR), Call(("chart", X), ERROR)],
    "SM.DONE": [
        Call((X, "t@1"), NIL),
        Call(("string", X), ERROR),
        Call(("order", X), NIL),
        Call(("waits", "t@1", X), ERROR, (("a number", NIL),)),
        Call(("waits", "t@1", "1", X), ERROR),
        Call(("waits", "t@1", "GUARDS", "1", X), ERROR),
        Call(("kept", X, "ID", "x"), NIL),
        Call(("kept", "t@1", "ID", X), ERROR, A_TOKEN_OF_NOTHING),
    ],
    "SM.DUE": [Call((X, "1"), NIL), Call(("string", X), ERROR), Call(("waits", X), NIL)],
    "SM.FAIL": [
        Call((X, "t@1"), NIL),
        Call(("waits", X), NIL),
        Call(("waits", "t@1", "1", X), ERROR),
        Call(("kept", "t@1", "ID", X), ERROR, A_TOKEN_OF_NOTHING),
    ],
    "SM.FIRE": [
        Call((X, "t@1"), NIL),
        Call(("waits", X), NIL),
        Call(("waits", "d@1", X), ERROR),
        Call(("waits", "d@1", "GUARDS", "1", X), ERROR),
    ],
    "SM.GET": [Call((X,), NIL), Call(("string", X), ERROR), Call(("map", X), ERROR), Call(("chart", X), ERROR)],
    "SM.HISTORY": [
        Call((X,), NIL),
        Call(("string", X), ERROR),
        Call(("kept", X), ERROR),
        Call(("kept", "COUNT", X), ERROR),
        Call(("kept", "BEFORE", X), ERROR),
        Call(("kept", "COUNT", "1", "BEFORE", X), ERROR),
    ],
    "SM.MUTATE": [
        Call(("kept", "a", "REASON", X, "FORCE"), ACCEPTED, (("no UTF-8", ERROR),)),
        Call(("kept", "a", "FORCE", "ID", X), ERROR, A_TOKEN),
        Call((X, "b"), NIL),
        Call(("string", X), ERROR),
        Call(("map", X), NIL),
        Call(("chart", X), NIL),
        Call(("map", X, "why", "FORCE"), NIL),
        Call(("chart", X, "why", "FORCE"), NIL),
        Call(("map", "boo", X, "FORCE"), ACCEPTED, (("no UTF-8", ERROR),)),
        Call(("map", "boo", "why", X), ERROR),
        Call(("order", "paid", "DATA", X), ERROR),
        Call(("order", "paid", "REASON", X, "FORCE"), ACCEPTED, (("no UTF-8", ERROR),)),
        Call(("order", "held", "GUARDS", "1", X), ERROR),
    ],
    "SM.NEXT": [Call((X,), NIL), Call(("map", X), ERROR)],
    "SM.PENDING": [Call((X,), NIL), Call(("string", X), ERROR), Call(("waits", X), ERROR)],
    "SM.RENDER": [Call((X,), ERROR), Call((README, X), ERROR)],
    "SM.RESET": [
        Call(("kept", "REASON", X), ACCEPTED, (("no UTF-8", ERROR),)),
        Call(("kept", "ID", X), ERROR, A_TOKEN),
        Call((X,), NIL),
        Call(("string", X), ERROR),
        Call(("map", X), ERROR),
        Call(("chart", X), ERROR),
    ],
    "SM.RETRY": [Call((X, "t@1"), NIL), Call(("waits", X), NIL), Call(("waits", "t@1", X), ERROR)],
    "SM.SEND": [
        Call(("kept", X), ACCEPTED, (("no UTF-8", NIL),)),
        Call(("kept", X, "ID", "x"), ACCEPTED, (("no UTF-8", NIL),)),
        Call(("kept", "GO", "ID", X), ERROR, A_TOKEN),
        Call(("kept", "GO", "REASON", X), ACCEPTED, (("no UTF-8", ERROR),)),
        Call((X, "b"), NIL),
        Call(("string", X), ERROR),
        Call(("map", X), NIL),
        Call(("chart", X), NIL),
        Call(("map", "boo", X), ERROR),
        Call(("chart", X, "ACTIONS"), NIL),
        Call(("order", X, "EFFECTS"), NIL),
        Call(("order", "PAY", "DATA", X), ERROR),
        Call(("order", "PAY", "DATA", '{"amount":1}', X), ERROR),
        Call(("order", "SKIP", "GUARDS", X), ERROR),
        Call(("order", "SKIP", "GUARDS", "1", X), ERROR),
        Call(("order", "NONE", "REASON", X), NIL, (("no UTF-8", ERROR),)),
    ],
    "SM.SET": [
        Call(("map", X), ERROR),
        Call(("new", X), ERROR),
        Call(("string", X), ERROR),
        Call(("map", README, X), ERROR, (("nothing", ACCEPTED),)),
        Call(("chart", CHART, X), ERROR, (("nothing", ACCEPTED),)),
        Call(("map", README, "bar", X), ERROR),
        Call(("order", ORDER, "CURRENT", X), ERROR, (("nothing", ACCEPTED),)),
        Call(("order", ORDER, "INPUT", X), ERROR),
        Call(("order", ORDER, "IF", X), ERROR),
        Call(("order", ORDER, "GUARDS", "1", X), ERROR),
    ],
    "SM.STATE": [Call((X,), NIL), Call(("string", X), ERROR), Call(("map", X), ERROR), Call(("chart", X), ERROR)],
    "SM.TEMPLATE": [Call((X,), ERROR)],
}
