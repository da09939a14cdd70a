"""What a worker's function gets, by its signature, and what is said of an input that does not suit it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, NewType, NotRequired, TypedDict

import pytest

from redisstate import tasks
from redisstate.signatures import ArgumentError, Signature
from redisstate.tasks import OutboxEntry

ENTRY = OutboxEntry("out", "1-0", 1, "id1", "order:1", "order@1", "receipt", {}, None, "PAY", 2, 3)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Place:
    city: str
    zip: int = 0


@dataclasses.dataclass
class Route:
    start: Place
    stops: list[Place] = dataclasses.field(default_factory=list)
    then: Route | None = None


class Card(TypedDict):
    number: str
    name: NotRequired[str]


Cents = NewType("Cents", int)


def given(function: Callable[..., Any], value: Any) -> Any:
    """What the function returns for an input."""
    args, kwargs = Signature(function).arguments(value, ENTRY)
    return function(*args, **kwargs)


def fault(function: Callable[..., Any], value: Any) -> str:
    with pytest.raises(ArgumentError) as raised:
        Signature(function).arguments(value, ENTRY)
    return str(raised.value)


def charge(amount: int, currency: str = "EUR") -> tuple[int, str]:
    return amount, currency


def test_members_of_the_input_are_parameters_by_name() -> None:
    assert given(charge, {"amount": 3}) == (3, "EUR")
    assert given(charge, {"currency": "NOK", "amount": 3}) == (3, "NOK")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "charge(): 'amount' is missing"),
        (None, "charge(): 'amount' is missing"),
        ({"amount": "3"}, "charge(): amount: expected an integer, got the string '3'"),
        ({"amount": 3.5}, "charge(): amount: expected an integer, got the number 3.5"),
        ({"amount": True}, "charge(): amount: expected an integer, got true"),
        ({"amount": None}, "charge(): amount: expected an integer, got null"),
        ({"amount": 3, "curency": "NOK"}, "charge(): takes no 'curency' (did you mean 'currency'?)"),
        ({"amount": 3, "x": 1}, "charge(): takes no 'x'"),
        (
            30,
            "charge(): expected an object with members for 'amount', 'currency', got the number 30;"
            " `def charge(amount, /)` would take it whole",
        ),
    ],
)
def test_an_input_that_does_not_suit_says_what_is_wrong(value: Any, said: str) -> None:
    assert fault(charge, value) == said


def test_a_positional_only_parameter_is_the_whole_input() -> None:
    def book(trip: dict[str, str], /) -> object:
        return trip

    def log(value, /) -> object:  # type: ignore[no-untyped-def]
        return value

    assert given(book, {"to": "Oslo"}) == {"to": "Oslo"}
    assert given(log, 30) == 30
    assert given(log, None) is None
    assert fault(book, {"to": 1}) == "book(): trip.to: expected a string, got the number 1"


def test_the_entry_is_given_by_its_type_or_its_name() -> None:
    def typed(amount: int, whatever: OutboxEntry) -> object:
        return amount, whatever

    def named(effect, amount: int) -> object:  # type: ignore[no-untyped-def]
        return amount, effect

    def whole(value: int, /, entry: OutboxEntry) -> object:
        return value, entry

    def alone(entry) -> object:  # type: ignore[no-untyped-def]
        return entry

    assert given(typed, {"amount": 1}) == given(named, {"amount": 1}) == given(whole, 1) == (1, ENTRY)
    assert given(alone, {"amount": 1}) is ENTRY, "it looks into the params itself"


def test_a_member_may_be_called_entry_where_it_has_a_type() -> None:
    def note(entry: str) -> str:
        return entry

    assert given(note, {"entry": "x"}) == "x"


def test_the_rest_of_the_members_may_be_taken() -> None:
    def all_of(amount: int, **rest: str) -> object:
        return amount, rest

    assert given(all_of, {"amount": 1, "a": "b"}) == (1, {"a": "b"})
    assert fault(all_of, {"amount": 1, "a": 2}) == "all_of(): a: expected a string, got the number 2"


def taking(annotation: Any) -> Callable[[Any], Any]:
    def take(value, /):  # type: ignore[no-untyped-def]
        return value

    take.__annotations__ = {"value": annotation}
    return take


@pytest.mark.parametrize(
    ("annotation", "value", "got"),
    [
        (int, 30.0, 30),
        (float, 30, 30.0),
        (Cents, 30, 30),
        (Annotated[int, "cents"], 30, 30),
        (bool, False, False),
        (list[int], [1, 2.0], [1, 2]),
        (list, [1, "a"], [1, "a"]),
        (tuple[str, ...], ["a"], ("a",)),
        (dict[str, float], {"a": 1}, {"a": 1.0}),
        (dict, {"a": None}, {"a": None}),
        (int | None, None, None),
        (str | int, 3, 3),
        (Literal["a", 1], 1, 1),
        (Colour, "red", Colour.RED),
        (Place, {"city": "Oslo"}, Place("Oslo")),
        (Card, {"number": "1", "more": 2}, {"number": "1", "more": 2}),
        (
            Route,
            {"start": {"city": "Oslo"}, "stops": [{"city": "Bergen", "zip": 5}], "then": {"start": {"city": "Bodø"}}},
            Route(Place("Oslo"), [Place("Bergen", 5)], Route(Place("Bodø"))),
        ),
        (Any, [None], [None]),
    ],
)
def test_types_are_converted(annotation: Any, value: Any, got: Any) -> None:
    found = given(taking(annotation), value)
    assert (found, type(found)) == (got, type(got))


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        (float, "1", "value: expected a number, got the string '1'"),
        (bool, 0, "value: expected true or false, got the number 0"),
        (str, ["a"], "value: expected a string, got a list"),
        (list[int], [1, "a"], "value[1]: expected an integer, got the string 'a'"),
        (list[int], {}, "value: expected a list, got an object"),
        (dict[str, list[int]], {"a": [True]}, "value.a[0]: expected an integer, got true"),
        (int | None, "a", "value: expected an integer or null, got the string 'a'"),
        (Literal["a", "b"], "c", "value: expected 'a' or 'b', got the string 'c'"),
        (Literal[1], True, "value: expected 1, got true"),
        (Colour, "green", "value: expected 'red' or 'blue', got the string 'green'"),
        (Place, {"city": "Oslo", "zipp": 1}, "value: takes no 'zipp' (did you mean 'zip'?)"),
        (Route, {"start": {}}, "value.start: 'city' is missing"),
        (
            Route,
            {"start": {"city": "a"}, "then": {"start": 1}},
            "value.then.start: expected an object, got the number 1",
        ),
        (Card, {}, "value: 'number' is missing"),
    ],
)
def test_types_are_checked(annotation: Any, value: Any, said: str) -> None:
    assert fault(taking(annotation), value) == f"take(): {said}"


def when(day: datetime) -> None: ...
def several(*amounts: int) -> None: ...
def both(whole: dict[str, int], /, amount: int) -> None: ...
def two(one: int, other: int, /) -> None: ...
def unknown(value: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (when, r"when\(\): parameter 'day': datetime is not a type that JSON has \(int, float, str"),
        (several, r"several\(\): parameter 'amounts': members of an input have names; take \*\*rest"),
        (both, r"both\(\): parameter 'amount': a function takes the whole input \(positional-only\), or members"),
        (two, r"two\(\): parameter 'other': only one positional-only parameter can be the whole input"),
        (unknown, r"unknown\(\): its signature cannot be read: name 'Nowhere' is not defined"),
        (taking(dict[int, str]), r"take\(\): parameter 'value': dict\[int, str\] is not a type that JSON has"),
    ],
)
def test_a_function_that_no_input_suits_is_refused(function: Callable[..., Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        Signature(function)


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (None, b"null"),
        ({"a": [1, "é"]}, '{"a":[1,"é"]}'.encode()),
        (Place("Oslo"), b'{"city":"Oslo","zip":0}'),
        ([Colour.RED], b'["red"]'),
    ],
)
def test_results_are_said_in_json(value: Any, json: bytes) -> None:
    assert tasks.result(value) == json


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), "\ud800", datetime.min])
def test_a_result_that_json_has_not_raises(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tasks.result(value)


def test_an_error_is_told_by_its_class_and_its_text() -> None:
    assert tasks.error(ValueError("out of order")) == b'{"type":"ValueError","message":"out of order"}'
    assert tasks.error(ValueError("\ud800")) == b'{"type":"ValueError","message":"?"}'
    assert tasks.error(tasks.TaskFailed({"code": 3})) == b'{"code":3}'
    assert len(tasks.error(ValueError("x" * 5000))) < 1100
