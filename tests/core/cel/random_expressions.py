"""Random expressions: most of them with the types that their operators want, some with one that is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

_INTS = ["0", "1", "2", "-1", "7", "100", "9223372036854775807", "-9223372036854775808", "context.n", "event.amount"]
_INTS += ["context.list[0]", "size(context.list)", "now"]
_DOUBLES = ["0.0", "1.5", "-2.25", "1e10", "context.ratio", "3.0", "double(context.n)", "0.1"]
_STRINGS = ["''", "'a'", "'abc'", "'é😀'", "context.name", "event.type", "context.tags[0]", "string(context.n)"]
_BOOLS = ["true", "false", "context.on", "has(context.name)", "has(context.missing)", "1 in context.list"]
_UINTS = ["0u", "1u", "7u", "18446744073709551615u", "uint(context.n)"]
_BYTES = ["b''", "b'abc'", "b'\\xff'", "bytes(context.name)"]
_TIMES = ["timestamp('2024-02-29T12:30:15.250Z')", "timestamp(0)", "timestamp(now / 1000)"]
_SPANS = ["duration('1h30m')", "duration('0s')", "duration('-1.5s')", "duration('1000000h')"]
_LISTS = ["[]", "[1, 2, 3]", "context.list", "[1, 'a', true]", "context.tags", "context.mixed", "[[1], [2]]"]
_MAPS = ["{}", "{'a': 1}", "context", "event", "{1: 'a', 2: 'b'}", "{true: 1}", "context.deep", "{'a': {'b': [1]}}"]
_FAILING = ["1 / 0", "context.missing", "[1][5]", "int('x')", "context.deep.nothing.more"]

_DEEPEST = 4
_WRONG = 0.06


class Generator:
    def __init__(self, source: random.Random) -> None:
        self.random = source
        self.kinds: dict[str, Callable[[int], str]] = {
            "int": self.int,
            "double": self.double,
            "string": self.string,
            "bool": self.bool,
            "uint": self.uint,
            "bytes": lambda depth: self.one(_BYTES),
            "time": self.time,
            "span": self.span,
            "list": self.list,
            "map": lambda depth: self.one(_MAPS),
        }

    def expressions(self) -> Iterator[str]:
        kinds = (
            ["bool"] * 6 + ["int"] * 4 + ["double", "string", "string", "uint", "time", "span", "list", "list", "map"]
        )
        while True:
            yield self.of(self.one(kinds), self.random.randint(1, _DEEPEST))

    def one(self, choices: list[str]) -> str:
        return self.random.choice(choices)

    def of(self, kind: str, depth: int) -> str:
        if self.random.random() < _WRONG:
            kind = self.one([*self.kinds, "failing"])
        if kind == "failing":
            return self.one(_FAILING)
        return self.kinds[kind](depth)

    def pair(self, kind: str, signs: list[str], depth: int) -> str:
        left, right = self.of(kind, depth - 1), self.of(kind, depth - 1)
        text = f"{left} {self.one(signs)} {right}"
        return f"({text})" if self.random.random() < 0.6 else text

    def choice(self, kind: str, depth: int) -> str:
        return f"({self.of('bool', depth - 1)} ? {self.of(kind, depth - 1)} : {self.of(kind, depth - 1)})"

    def int(self, depth: int) -> str:
        if depth <= 0:
            return self.one(_INTS)
        form = self.random.randrange(8)
        if form < 4:
            return self.pair("int", ["+", "-", "*", "/", "%"], depth)
        if form == 4:
            return self.choice("int", depth)
        if form == 5:
            return f"size({self.of(self.one(['list', 'string', 'map']), depth - 1)})"
        if form == 6:
            part = self.one(["getFullYear", "getMonth", "getDate", "getDayOfWeek", "getHours", "getMilliseconds"])
            return f"{self.of('time', depth - 1)}.{part}()"
        return f"int({self.of(self.one(['double', 'uint', 'time', 'int']), depth - 1)})"

    def double(self, depth: int) -> str:
        if depth <= 0:
            return self.one(_DOUBLES)
        return self.choice("double", depth) if self.random.random() < 0.2 else self.pair("double", list("+-*/"), depth)

    def string(self, depth: int) -> str:
        if depth <= 0:
            return self.one(_STRINGS)
        form = self.random.randrange(3)
        if form == 0:
            return self.choice("string", depth)
        if form == 1:
            return f"string({self.of(self.one(['int', 'double', 'bool', 'uint', 'span']), depth - 1)})"
        return self.pair("string", ["+"], depth)

    def uint(self, depth: int) -> str:
        return self.one(_UINTS) if depth <= 0 else self.pair("uint", ["+", "-", "*", "/", "%"], depth)

    def time(self, depth: int) -> str:
        if depth <= 0:
            return self.one(_TIMES)
        return f"({self.of('time', depth - 1)} {self.one(['+', '-'])} {self.of('span', depth - 1)})"

    def span(self, depth: int) -> str:
        if depth <= 0:
            return self.one(_SPANS)
        if self.random.random() < 0.4:
            return f"({self.of('time', depth - 1)} - {self.of('time', depth - 1)})"
        return f"({self.of('span', depth - 1)} {self.one(['+', '-'])} {self.of('span', depth - 1)})"

    def list(self, depth: int) -> str:
        if depth <= 0:
            return self.one(_LISTS)
        form = self.random.randrange(4)
        if form == 0:
            kind = self.one(["int", "string", "bool", "double"])
            items = [self.of(kind, depth - 2) for _ in range(self.random.randrange(4))]
            return f"[{', '.join(items)}]"
        if form == 1:
            return self.pair("list", ["+"], depth)
        body = self.one(["x == 1", "x > 1", "x in context.list", "size(context.tags) > x", self.of("bool", depth - 2)])
        if form == 2:
            return f"{self.of('list', depth - 1)}.filter(x, {body})"
        made = self.one(["x", "x + 1", "[x]", "{'k': x}", "x == 'a'", self.of("int", depth - 2)])
        return f"{self.of('list', depth - 1)}.map(x, {made})"

    def bool(self, depth: int) -> str:
        if depth <= 0:
            return self.one(_BOOLS)
        form = self.random.randrange(9)
        if form < 3:
            return self.pair("bool", ["&&", "||"], depth)
        if form == 3:
            return f"!({self.of('bool', depth - 1)})"
        if form == 4:
            return self.pair(self.one(list(self.kinds)), ["==", "!="], depth)
        if form == 5:
            kind = self.one(["int", "double", "string", "bool", "uint", "bytes", "time", "span"])
            return self.pair(kind, ["<", "<=", ">", ">="], depth)
        if form == 6:
            kind = self.one(["int", "string", "double", "uint"])
            return f"{self.of(kind, depth - 1)} in {self.of(self.one(['list', 'map']), depth - 1)}"
        if form == 7:
            test = self.one(["contains", "startsWith", "endsWith"])
            return f"({self.of('string', depth - 1)}).{test}({self.of('string', depth - 1)})"
        body = self.one(["x == 1", "x != 'a'", "x > 1", "type(x) == int", "x in context.list"])
        return f"{self.of('list', depth - 1)}.{self.one(['all', 'exists', 'exists_one'])}(x, {body})"
