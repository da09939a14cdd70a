"""Writes oracle.jsonl: what Google's CEL runtime answers to some thousands of expressions. Run by hand, not by a test:

    pip install cel-expr-python==0.1.3 protobuf      (Python 3.11 or later)
    python -m tests.core.cel.generate

It also writes differences.jsonl: where ours answers something else, [why, expression, our answer]. A difference that
was not there before gets "?" for a reason, which is for a human to name: test_fixtures.py has the list.

The first line of oracle.jsonl is the scope of all; each other line is [expression, answer], in the form of encoding.py.
Expressions are evaluated without Google's check of types before, as ours are: data has no types until it is there.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cel_expr_python import cel  # type: ignore[import-not-found]

from tests.core.cel import expressions
from tests.core.cel.encoding import DIFFERENCES, ORACLE, agree, answer, read
from tests.core.cel.random_expressions import Generator

RANDOM = 2_200
TYPE_NAMES = {
    "INT": "int",
    "UINT": "uint",
    "DOUBLE": "double",
    "BOOL": "bool",
    "STRING": "string",
    "BYTES": "bytes",
    "NULL": "null_type",
    "TYPE": "type",
    "LIST<DYN>": "list",
    "MAP<DYN, DYN>": "map",
    "TIMESTAMP": "google.protobuf.Timestamp",
    "DURATION": "google.protobuf.Duration",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Oracle:
    def __init__(self) -> None:
        self.environment = cel.NewEnv(variables=dict.fromkeys(expressions.SCOPE, cel.Type.DYN))

    def evaluate(self, text: str) -> Any:
        try:
            program = self.environment.compile(text, disable_check=True)
        except RuntimeError:
            return {"error": "compile"}
        try:
            value = program.eval(data=expressions.SCOPE)
        except RuntimeError:
            return {"error": "evaluate"}
        return self.encode(value, text)

    def encode(self, value: Any, text: str | None = None) -> Any:
        """``text``: what answered the value, where it is no part of another: times are asked to the nanosecond."""
        kind = value.type().name()
        plain = value.value()
        if kind == "ERROR":
            return {"error": "evaluate"}
        if kind in ("NULL", "BOOL", "STRING", "INT"):
            return plain
        if kind == "UINT":
            return {"uint": int(plain)}
        if kind == "DOUBLE":
            return {"double": repr(plain)}
        if kind == "BYTES":
            return {"bytes": bytes(plain).hex()}
        if kind == "TYPE":
            return {"type": TYPE_NAMES.get(plain.name(), plain.name())}
        if kind.startswith("LIST"):
            return [self.encode(item) for item in plain]
        if kind.startswith("MAP"):
            return {"map": sorted(([key, self.encode(item)] for key, item in plain.items()), key=repr)}
        nanos = self.nanos(kind, plain, text)
        return {"timestamp" if kind == "TIMESTAMP" else "duration": nanos}

    def nanos(self, kind: str, plain: Any, text: str | None) -> int:
        if text is None:
            since = plain - EPOCH if kind == "TIMESTAMP" else plain
            return since // MICROSECOND * 1000
        written = self.evaluate(f"string({text})")
        _, _, fraction = written.rstrip("sZ").partition(".")
        fine = int(fraction.ljust(9, "0")) if fraction else 0
        if kind == "TIMESTAMP":
            return (plain - EPOCH) // timedelta(seconds=1) * 10**9 + fine
        whole = int(written.rstrip("s").partition(".")[0].lstrip("-")) * 10**9 + fine
        return -whole if written.startswith("-") else whole


def texts() -> Iterator[str]:
    yield from expressions.all_by_hand()
    generator = Generator(random.Random(20_26))
    yield from itertools.islice(generator.expressions(), RANDOM)


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main() -> None:
    oracle = Oracle()
    answers = [(text, oracle.evaluate(text)) for text in dict.fromkeys(texts())]
    lines = [dumped(expressions.SCOPE), *(dumped(pair) for pair in answers)]
    ORACLE.write_text("\n".join(lines) + "\n")
    reasons = {text: reason for reason, text, _ in read(DIFFERENCES)} if DIFFERENCES.exists() else {}
    differing = [
        (reasons.get(text, "?"), text, ours)
        for text, theirs in answers
        if not agree(ours := answer(text, expressions.SCOPE), theirs)
    ]
    differing.sort(key=lambda line: line[0])
    DIFFERENCES.write_text("".join(dumped(line) + "\n" for line in differing))
    print(f"{len(answers)} expressions, {len(differing)} differences")


if __name__ == "__main__":
    main()
