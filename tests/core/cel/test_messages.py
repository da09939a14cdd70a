"""What a user reads: each fault of a text and each failed evaluation says what, where, and what would be right."""

from __future__ import annotations

import pytest

from sm_core.cel import NAMES, CelError, ExpressionFault, Scope, compile_expression


def scope(**given: object) -> Scope:
    values: dict[str, object] = {"context": {}, "event": {"type": "E"}, "params": None, "input": None, "now": None}
    values |= given
    return Scope(**values, in_state=None, steps=100_000)  # type: ignore[arg-type]


FAULTS = [
    ("", 1, 1, "the expression is empty: expected a value"),
    ("1 +", 1, 4, "expected an expression after '+'"),
    ("(1", 1, 3, "expected ')' that closes the parenthesis"),
    ("[1, 2", 1, 6, "expected ']' that closes the list"),
    ("{'a': 1", 1, 8, "expected '}' that closes the map"),
    ("{'a' 1}", 1, 6, "expected ':' and the value of this member, found \"1\""),
    ("size(context", 1, 13, "expected ')' after the arguments of size()"),
    ("true ? 1", 1, 9, "expected ':' and the value for when the condition is false"),
    ("true ? true ? 1 : 2 : 3", 1, 13, "a choice between '?' and ':' stands in parentheses"),
    ("context.", 1, 9, "expected the name of a member after '.'"),
    ("1 2", 1, 3, 'expected an operator or the end, found "2"'),
    ("context.n\n  +\n  * 2", 3, 3, "expected an expression after '+', found \"*\""),
    ("'abc", 1, 1, "the text that ' begins does not end: ' is missing"),
    (r"'a\qb'", 1, 1, r'"\\q" in a text is not known: a backslash is written \\'),
    ("12abc", 1, 1, '"12abc" is no number'),
    ("1 + 9223372036854775808", 1, 5, '"9223372036854775808" is outside 64 bits: the most is 9223372036854775807'),
    ("1.5u", 1, 1, '"1.5u" is no number: only a whole number can be unsigned'),
    ("1 + é", 1, 5, '"\\u00e9" is not known here'),
    # what JavaScript writes
    ("event.n === 1", 1, 9, '"===" is not known here: write =='),
    ("event.n !== 1", 1, 9, '"!==" is not known here: write !='),
    ("event.n = 1", 1, 9, '"=" is not known here: write == to compare; an expression assigns nothing'),
    ("event?.n", 1, 6, '"?." is not known here: write has(a.b) ? a.b : a default'),
    ("event.n ?? 1", 1, 9, '"??" is not known here: write has(a.b) ? a.b : a default'),
    ("x => x", 1, 3, '"=>" is not known here: write list.exists(x, x > 1), with the variable as the first argument'),
    ("`a`", 1, 1, "\"`\" is not known here: write texts as 'a' or \"a\", and join them with +"),
    ("event.n;", 1, 8, '";" is not known here: an expression is one value; take the semicolon out'),
    ("event.n and true", 1, 9, 'expected an operator or the end, found "and" (write &&)'),
    ("event.n or true", 1, 9, 'expected an operator or the end, found "or" (write ||)'),
    ("not event.n", 1, 5, 'expected an operator or the end, found "event"'),
    ("undefined", 1, 1, '"undefined" is not known here: ask has(context.a), or compare with null'),
    ("True", 1, 1, '"True" is not known here: write true'),
    ("Math.max(1, 2)", 1, 1, '"Math" is not known here: it has no functions of numbers but conversions'),
    ("event.list.includes(1)", 1, 12, "includes() is not known here: write x in list, or text.contains(part)"),
    ("event.list.some(x, x > 1)", 1, 12, "some() is not known here: write list.exists(x, x > 1)"),
    ("if (event.n) 1", 1, 1, '"if" is a reserved word, not a value'),
    # names
    ("contxt.n", 1, 1, '"contxt" is not known here: did you mean "context"?'),
    ("Event.n", 1, 1, '"Event" is not known here: did you mean "event"?'),
    ("foo.n", 1, 1, '"foo" is not known here: known are context, event, input, now, params'),
    ("[1].all(x, y)", 1, 12, '"y" is not known here: known are context, event, input, now, params, x'),
    ("'a'.startswith('a')", 1, 5, 'startswith() is not known here: did you mean "startsWith"?'),
    ("[1].exsits(x, x > 1)", 1, 5, 'exsits() is not known here: did you mean "exists"?'),
    ("foo(1)", 1, 1, "foo() is not known here"),
    ("size", 1, 1, '"size" is a function: its arguments are missing'),
    ("size(1, 2)", 1, 1, "size() is written size(x) or x.size()"),
    ("contains('a', 'b')", 1, 1, "contains() is written text.contains(part)"),
    ("all([1], x, true)", 1, 1, "all() is asked of a list or a map, as in list.all(x, x > 1)"),
    ("[1].all(true)", 1, 5, "all() takes a variable and an expression, as in list.all(x, x > 1)"),
    ("[1].all(1, true)", 1, 9, "the first argument of all() is the name of a variable"),
    ("has(context)", 1, 1, "has() takes one member, as in has(context.a)"),
    ("'a'.matches('a')", 1, 5, "matches() is not known here: a pattern may take for ever; "
     "contains(), startsWith() and endsWith() are here"),
    ("inState(context.a)", 1, 1, "inState() takes the path of a state as a text, as in inState('a.b')"),
    ("Foo{a: 1}", 1, 4, "messages are not known here: a map is written {'a': 1}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "message"), FAULTS)
def test_a_fault_says_what_is_wrong_and_where(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(ExpressionFault) as raised:
        compile_expression(text)
    fault = raised.value
    assert (fault.line, fault.column, fault.message) == (line, column, message)
    assert str(fault) == f"{message} at line {line}, column {column}"


def test_columns_count_code_points_and_lines_go_on_in_long_texts() -> None:
    with pytest.raises(ExpressionFault) as raised:
        compile_expression("'''a\nb''' +\n// é\n '😀' + ?")
    assert (raised.value.line, raised.value.column) == (4, 8)


def test_a_name_that_is_left_out_is_refused() -> None:
    with pytest.raises(ExpressionFault, match='"event" is not known here: known are context, input'):
        compile_expression("event.n", names=frozenset({"context", "input"}))
    with pytest.raises(ExpressionFault, match="the machine does not stand anywhere yet"):
        compile_expression("inState('a')", in_state=False)


ERRORS = [
    ("event.amount", 'no member "amount" in event at line 1, column 7'),
    ("context.a.b", 'no member "b" in context.a at line 1, column 11'),
    ("context.n.b", 'context.n is an int, which has no member "b" at line 1, column 11'),
    ("context.list.length", 'context.list is a list, which has no member "length": its length is size(x)'
     " at line 1, column 14"),
    ("context['a b']", 'no member "a b" in context at line 1, column 8'),
    ("context.list[5]", "the list has 2 items, and no index 5 at line 1, column 13"),
    ("context.list['a']", 'context.list is a list, which has no member "a" at line 1, column 13'),
    ("context.list[event.type]", "the index of a list is an int, not a string at line 1, column 13"),
    ("{'a': 1}[event.type]", 'no member "E" in the map at line 1, column 9'),
    ("1 +\n  context.n / 0", "division by zero at line 2, column 13"),
    ("9223372036854775807 + context.n", "the result is outside 64 bits at line 1, column 21"),
    ("'n' + context.n", "'+' cannot take a string and an int: string(x) makes a string of a number"
     " at line 1, column 5"),
    ("context.n < 'a'", "'<' cannot take an int and a string at line 1, column 11"),
    ("context.n && true", "'&&' takes bools, not an int at line 1, column 11"),
    ("!context.n", "'!' takes a bool, not an int at line 1, column 1"),
    ("context.n ? 1 : 2", "'?' takes a bool before it, not an int at line 1, column 11"),
    ("'a' in 'abc'", "'in' looks into a list or a map, not into a string: a text is asked with text.contains(part)"
     " at line 1, column 5"),
    ("context.list.contains(1)", "contains() takes a string of a string, not an int of a list: "
     "a list is asked with 'x in list' at line 1, column 14"),
    ("'abc'.all(x, true)", "all() goes through a list or the keys of a map, not a string at line 1, column 7"),
    ("[1].filter(x, x)", "what filter() asks of each item is a bool, not an int at line 1, column 5"),
    ("int('x')", '"x" is no int at line 1, column 1'),
    ("bool(1)", "bool() takes a string or a bool, not an int at line 1, column 1"),
    ("timestamp(1700000000000)", "timestamp() takes seconds of the years 1 to 9999; "
     "of milliseconds it is timestamp(now / 1000) at line 1, column 1"),
    ("context['a\\n'].b", 'no member "a\\n" in context at line 1, column 8'),
    ("timestamp('x')", "\"x\" is no timestamp, as in '2030-01-31T12:00:00Z' at line 1, column 1"),
    ("timestamp('2023-02-29T00:00:00Z')", '"2023-02-29T00:00:00Z" is no timestamp: there is no such day or time'
     " at line 1, column 1"),
    ("timestamp(0).getHours('Europe/Berlin')", "the time zone \"Europe/Berlin\" is not known here: "
     "'UTC' and offsets as '+01:00' are at line 1, column 14"),
    ("now", "there is no time here that now could be at line 1, column 1"),
    ("inState('a')", "there is no machine here that inState() could ask at line 1, column 1"),
    ("context.big + 1", "a number of the data is outside 64 bits at line 1, column 1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_a_failed_evaluation_says_why_and_where(text: str, message: str) -> None:
    program = compile_expression(text)
    with pytest.raises(CelError) as raised:
        program.evaluate(scope(context={"n": 1, "a": {}, "list": [1, 2], "big": 1 << 63}))
    assert raised.value.message == str(raised.value) == message


def test_a_long_name_is_cut() -> None:
    with pytest.raises(CelError) as raised:
        compile_expression("context['" + "a" * 5_000 + "']").evaluate(scope())
    assert len(raised.value.message) < 200
    for text in (
        "a" * 5_000,
        "a" * 5_000 + "()",
        "a" * 5_000 + "(1",
        f"[1].all({'a' * 5_000}, b)",
        "1." + "a" * 5_000,
        "'\\n\\u0000' 'a'",
    ):
        with pytest.raises(ExpressionFault) as fault:
            compile_expression(text + " +")
        assert len(fault.value.message) < 250
        assert fault.value.message.isprintable()


def test_a_message_is_one_line() -> None:
    with pytest.raises(CelError) as raised:
        compile_expression("context['a\\n']['b\\n']['c\\n']").evaluate(scope(context={"a\n": {"b\n": 1}}))
    assert raised.value.message == (
        'context["a\\n"]["b\\n"] is an int, which has no member "c\\n" at line 1, column 22'
    )


def test_a_program_says_what_it_reads() -> None:
    program = compile_expression(
        "context.paid + event['amount'] > params.limits[context.n].most && has(context.vip.since)\n"
        "|| inState('open.late') || [1].exists(context, context.x > now) || input == {}"
    )
    assert program.reads == NAMES | {"inState"} == {"context", "event", "params", "input", "now", "inState"}
    assert [path.names for path in program.paths] == [
        ("context", "paid"),
        ("event", "amount"),
        ("params", "limits"),
        ("context", "n"),
        ("context", "vip"),
        ("now",),
        ("input",),
    ]
    assert [path[1:] for path in program.paths[:2]] == [(1, 1), (1, 16)]
    assert program.tested == ((("context", "vip", "since"), 1, 83),)
    assert program.states == (("open.late", 2, 12),)


def test_the_cost_is_the_number_of_nodes() -> None:
    assert compile_expression("1").cost == 1
    assert compile_expression("context.a.b").cost == 3
    assert compile_expression("1 + 2 - 3").cost == 4
    assert compile_expression("[1, 2].map(x, x * 2)").cost == 7
