"""The forms in which a client sends a command: alone, in MULTI, in a script, in a function."""

from __future__ import annotations

import redis

from tests.groups import run_all
from tests.servers import Server

Words = tuple[str | bytes | int, ...]


def alone(r: redis.Redis, words: Words) -> object:
    return run_all(r, [words])[0]


def in_multi(r: redis.Redis, words: Words) -> object:
    return run_all(r, [words], transaction=True)[0]


def in_a_script(r: redis.Redis, words: Words) -> object:
    return run_all(r, [("EVAL", "return redis.pcall(unpack(ARGV))", "0", *words)])[0]


def in_a_function(r: redis.Redis, words: Words) -> object:
    return run_all(r, [("FCALL", "call", "0", *words)])[0]


FORMS = [alone, in_multi, in_a_script, in_a_function]
"""Each returns the reply, or the error as a value."""


def load_function(server: Server) -> None:
    """Loads the function that in_a_function() calls."""
    server.own.function_load(
        "#!lua name=f\nredis.register_function('call', function(keys, words) return redis.pcall(unpack(words)) end)"
    )
