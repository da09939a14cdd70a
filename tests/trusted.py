"""Machines with all that a store keeps, a history, tokens and a TTL, and what their steps have answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.charts_with_data import PAY
from tests.documents import compact, flat

STORE: dict[str, Any] = {"history": 4, "idempotency": 3, "expire": "30d"}
ORDER = compact({
    "id": "trusted", "initial": "open", "context": {"paid": 0}, "store": STORE,
    "states": {
        "open": {"on": {"PAY": {"actions": [PAY, {"type": "receipt", "params": {"n": {"@expr": "event.amount"}}}]},
                        "WORK": "work", "CLOSE": "closed"}},
        "work": {"invoke": {"id": "job", "src": "job", "onDone": "open", "onError": "open"}},
        "closed": {"type": "final"},
    },
})  # fmt: skip
"""A chart with a context and a task."""

TRAFFIC = flat({"red": ["green"], "green": ["amber", "off"], "amber": ["red"]}, "red", store=STORE)
"""A map. It is done in ``off``."""

Words = tuple[str, ...]
STEPS: list[Words] = [
    ("SM.SET", "order", ORDER),
    *[("SM.SEND", "order", "PAY", "DATA", f'{{"amount": {n}}}', "ID", f"pay {n}") for n in range(5)],
    ("SM.RESET", "order", "REASON", "again é", "ID", "reset"),
    ("SM.SET", "work", ORDER),
    ("SM.SEND", "work", "WORK", "REASON", "", "ID", "begin"),
    ("SM.DONE", "work", "(the task)", '{"n":1}', "ID", "report"),
    ("SM.SET", "failed", ORDER),
    ("SM.SEND", "failed", "WORK"),
    ("SM.FAIL", "failed", "(the task)", '"why"', "ID", "report"),
    ("SM.SET", "done", ORDER),
    ("SM.MUTATE", "done", "closed", "ID", "end", "REASON", "\x00"),
    ("SM.SET", "left", TRAFFIC, "green"),
    ("SM.SEND", "left", "off"),
    ("SM.MUTATE", "left", "green", "FORCE", "ID", "force", "REASON", "by hand"),
    ("SM.SET", "off", TRAFFIC, "green"),
    ("SM.SEND", "off", "off", "ID", "t" * 64),
    ("SM.SET", "replaced", TRAFFIC),
    ("SM.SEND", "replaced", "green", "ID", "gone"),
    ("SM.SET", "replaced", TRAFFIC),
    ("SM.SET", "new", TRAFFIC),
]
"""More steps and tokens than are kept, machines that are done, were done, were replaced."""

Call = Callable[..., Any]
Answers = dict[Words, Any]


def plain(reply: Any) -> Any:
    """A reply with text for bytes, in whichever protocol."""
    if isinstance(reply, bytes):
        return reply.decode(errors="surrogateescape")
    if isinstance(reply, dict):
        return [plain(word) for pair in reply.items() for word in pair]
    return [plain(word) for word in reply] if isinstance(reply, list) else reply


def take_steps(call: Call, prefix: str = "", expire: str = STORE["expire"]) -> Answers:
    """Takes the steps, each by its own command, and returns those whose tokens are kept then, with their answers."""
    answers: Answers = {}
    for step in STEPS:
        words = (step[0], prefix + step[1], *(word.replace(STORE["expire"], expire) for word in step[2:]))
        if "(the task)" in words:
            (pending,) = plain(call("SM.PENDING", words[1]))
            handle = pending[pending.index("handle") + 1]
            words = tuple(handle if word == "(the task)" else word for word in words)
        words += () if words[0] == "SM.SET" else ("EFFECTS",)
        answer = plain(call(*words))
        assert answer is not None, words
        if "ID" in words:
            answers[words] = answer
    forgotten = [words for words in answers if {"gone", "pay 0", "pay 1", "pay 2"} & set(words)]
    return {words: answer for words, answer in answers.items() if words not in forgotten}


def keys(prefix: str = "") -> list[str]:
    return sorted({prefix + words[1] for words in STEPS})


def kept(call: Call, prefix: str = "") -> list[Any]:
    """What the machines keep, as clients see it: history, revision, TTL."""
    return [
        (key, plain(call("SM.HISTORY", key)), call("SM.GET", key, "REVISION"), call("PEXPIRETIME", key))
        for key in keys(prefix)
    ]


def asked_again(call: Call, answers: Answers) -> Answers:
    """The same commands, once more."""
    return {words: plain(call(*words)) for words in answers}
