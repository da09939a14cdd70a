"""Machines of every kind, for tests that save and load them, and the comparison of what they were and are."""

from __future__ import annotations

from tests.documents import README, TRAFFIC, flat, ring
from tests.servers import Server

AT_ONCE = 1000
FAR = 4_000_000_000_000
"""A time of expiry that is far in the future, in Unix milliseconds."""


def machines(definitions: int = 50) -> list[tuple[str | bytes, ...]]:
    """The commands that make the corpus. Of its definitions, ``definitions`` are shared by two machines each."""
    calls: list[tuple[str | bytes, ...]] = [
        ("SM.SET", "fresh", README),
        ("SM.SET", "moved", README),
        ("SM.MUTATE", "moved", "boo"),
        ("SM.SET", "end", README),
        ("SM.MUTATE", "end", "blee", "a state without a row"),
        ("SM.SET", "reason", README),
        ("SM.MUTATE", "reason", "boo", "why \0 é \n"),
        ("SM.SET", "empty reason", TRAFFIC),
        ("SM.MUTATE", "empty reason", "green", ""),
        ("SM.SET", "long reason", TRAFFIC),
        ("SM.MUTATE", "long reason", "green", "because " * 1000),
        ("SM.SET", "forced", TRAFFIC),
        ("SM.MUTATE", "forced", "amber", "forced", "FORCE"),
        ("SM.SET", "given", flat({"a": ["b"]}, "a", reason="given", id="i", meta={"x": [1.5, None, "\u2028"]})),
        ("SM.CREATE", "empty"),
        ("SM.SET", "only initial", flat({}, "x")),
        ("SM.SET", "nameless", flat({"": ["", "a"], "a": []}, "")),
        ("SM.SET", "to the nameless", flat({"": ["a"], "a": [""]}, "a")),
        ("SM.MUTATE", "to the nameless", "", "nowhere"),
        ("SM.SET", "large", ring(1000)),
        ("SM.MUTATE", "large", "s1"),
        ("SM.SET", "large too", ring(1000)),
        ("SM.MUTATE", "large too", "s999", "at the end", "FORCE"),
        ("SM.SET", "a row of a thousand", flat({"a": [f"s{i}" for i in range(1000)]}, "a")),
        ("SM.SET", "names", '{"map":{"\\u0000":["é","\\ud83d\\ude00"],"":[]},"initial":"\\u0000"}'),
        ("SM.MUTATE", "names", "😀", "\U0010ffff"),
        ("SM.SET", b"\xff\x00\nkey", TRAFFIC),
        ("SM.SET", "", TRAFFIC),
        ("SM.SET", "expires", TRAFFIC),
    ]
    for number in range(definitions):
        document = ring(3, f"m{number}-")
        calls.append(("SM.SET", f"many:{number}", document))
        calls.append(("SM.SET", f"twin:{number}", document, f"m{number}-1"))
        if number % 3 == 0:
            calls.append(("SM.MUTATE", f"twin:{number}", f"m{number}-2", f"reason {number}"))
    return calls


def fill(server: Server, definitions: int = 50) -> None:
    """The corpus in database 0, some of it in database 7, and values of other types among it."""
    r = server.client()
    calls = machines(definitions)
    for start in range(0, len(calls), AT_ONCE):
        pipe = r.pipeline(transaction=False)
        for call in calls[start : start + AT_ONCE]:
            pipe.execute_command(*call)
        assert set(pipe.execute()) == {"OK"}
    r.pexpireat("expires", FAR)
    r.set("string", "among them")
    r.hset("hash", "f", "v")
    other = server.client(db=7)
    for key in ("elsewhere", "fresh"):
        other.execute_command("SM.SET", key, README, "boo")


# KEYS[1]: the keys' prefix. ARGV: first and last number, number of definitions, prefix of the states.
_MANY = """
for i = ARGV[1], ARGV[2] do
    local s = ARGV[4] .. i % ARGV[3]
    redis.call('SM.SET', KEYS[1] .. i, '{"map":{"' .. s .. '":["' .. s .. 'b"]},"initial":"' .. s .. '"}')
end
return 'OK'
"""


def many(prefix: str, machines: int, definitions: int, states: str, first: int = 1) -> tuple[str | int, ...]:
    """A script that makes machines ``prefix``first, ... quickly; each has a transition from X to the end state Xb."""
    return ("EVAL", _MANY, 1, prefix, first, first + machines - 1, definitions, states)


Seen = dict[tuple[int, bytes], tuple[bytes, bytes, int]]


def everything(server: Server) -> Seen:
    """Each key of databases 0 and 7: its digest, SM.GET's reply (b"" for other types), its time of expiry."""
    seen: Seen = {}
    for db in (0, 7):
        raw = server.raw(db=db)
        keys = raw.execute_command("KEYS", "*")
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            pipe = raw.pipeline(transaction=False)
            pipe.execute_command("DEBUG", "DIGEST-VALUE", *some)
            for key in some:
                pipe.execute_command("SM.GET", key)
                pipe.execute_command("PEXPIRETIME", key)
            digests, *rest = pipe.execute(raise_on_error=False)
            for key, digest, document, expires in zip(some, digests, rest[::2], rest[1::2], strict=True):
                seen[db, key] = (digest, document if isinstance(document, bytes) else b"", expires)
    return seen


def changes(before: Seen, after: Seen) -> list[str]:
    """At most ten differences, shortened: a readable message where thousands of keys are compared."""
    lines = []
    for at in sorted(before.keys() | after.keys()):
        if before.get(at) != after.get(at):
            was, now = (str(side.get(at))[:300] for side in (before, after))
            lines.append(f"database {at[0]}, key {at[1]!r}: was {was}, is {now}")
    return lines[:10]
