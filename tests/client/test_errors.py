"""The exceptions, and the texts of the server that they are made of."""

from __future__ import annotations

import re

import pytest

import redisstate
from redisstate import errors


def drawn() -> dict[str, str]:
    """{class: base} by the tree at the top of errors.py."""
    assert errors.__doc__
    bases: dict[str, str] = {}
    above: list[str] = []
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ((?:│   |    )*(?:├── |└── )?)([A-Z]\w+)  ", line)
        if found is None:
            continue
        depth = len(found[1]) // 4
        above = [*above[:depth], found[2]]
        bases[found[2]] = above[depth - 1] if depth else "Exception"
    return bases


def test_the_tree_is_as_it_is_drawn_and_all_of_it_can_be_imported() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert {one.__name__: one.__bases__[0].__name__ for one in classes} == drawn()
    assert all(one.__name__ in redisstate.__all__ for one in classes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CONFLICT the machine is in 'open', not in 'x'", errors.Conflict),
        ("ERR CONFLICT of interests", errors.Conflict),
        ("EXPR it took too long", errors.ExpressionError),
        ("token 'a' was used for SM.SEND", errors.TokenReused),
        ("unknown command 'SM.SEND', with args beginning with: 'a'", errors.NoModule),
        ("unknown command `SM.SEND`, with args beginning with: `a`", errors.NoModule),
        ("Command # 3 (SM.SEND a ...) of pipeline caused error: no such key: 'a'", errors.NoSuchMachine),
        ("syntax error: 'X' is no option of 'SM.SEND'", errors.ServerError),
        ("DATA at $.type: the event's name is an argument of its own", errors.ServerError),
        ("INPUT at $: not JSON", errors.ServerError),
        ("ID wants a token of 1 to 64 bytes: '' is empty", errors.ServerError),
    ],
)
def test_a_text_is_of_a_kind(text: str, expected: type[Exception]) -> None:
    assert type(errors.of_text(text)) is expected


@pytest.mark.parametrize("text", ["OOM not allowed", "MISCONF disk", "TRYAGAIN later", "NOPERM no", "MOVED 1"])
def test_what_is_the_servers_stays_the_librarys(text: str) -> None:
    assert errors.of_text(text) is None


LONG = "$.states" + '["a: b"]' * 40


@pytest.mark.parametrize(
    "path",
    [
        *("$", "$.map.cart[1]", '$.map["a: b"]', '$.map["a\\": b"][0].x', '$.a["]: "]["\\\\"]', "$.current"),
        f"{LONG[:128]} ... {LONG[-128:]}",
    ],
)
def test_a_path_ends_behind_its_last_member(path: str) -> None:
    invalid = errors.of_text(f"invalid document at {path}: expected: a string")
    assert isinstance(invalid, errors.InvalidDocument)
    assert (invalid.path, invalid.fault) == (path, "expected: a string")
    failed = errors.of_text(f"EXPR {path}: no such key: 'x'")
    assert isinstance(failed, errors.ExpressionError)
    assert (failed.path, failed.fault) == (path, "no such key: 'x'")


def test_a_place_that_is_no_path_ends_at_the_first_colon() -> None:
    invalid = errors.of_text("invalid document at context: expected an object: a")
    assert isinstance(invalid, errors.InvalidDocument)
    assert (invalid.path, invalid.fault) == ("context", "expected an object: a")


def test_a_guards_name_may_have_quotes() -> None:
    assert errors.GuardError("the client decides 'a', 'b': say which hold with GUARDS").guards == ("a", "b")


def test_other_exceptions_go_through() -> None:
    with pytest.raises(KeyError), errors.translated():
        raise KeyError(1)
