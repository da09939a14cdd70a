"""COMMAND INFO, DOCS, GETKEYS and the ACL categories, compared field by field with commands.json."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from tests.contract import COMMANDS, enough, with_key
from tests.documents import README
from tests.servers import Server

NAMES = sorted(COMMANDS)


def text(reply: Any) -> Any:
    """A reply with text for bytes."""
    if isinstance(reply, dict):
        return {text(name): text(value) for name, value in reply.items()}
    if isinstance(reply, (list, set)):
        return [text(value) for value in reply]
    return reply.decode() if isinstance(reply, bytes) else reply


def ask(server: Server, *words: str) -> Any:
    """The reply in RESP3, which has maps, with text for bytes."""
    return text(server.raw(3).execute_command(*words))


def test_the_table_is_what_the_module_registers(server: Server) -> None:
    listed = ask(server, "COMMAND", "LIST", "FILTERBY", "MODULE", "redisstate")
    assert sorted(name.upper() for name in listed) == NAMES


def test_the_table_has_the_form_of_the_servers_own() -> None:
    for name, command in COMMANDS.items():
        assert name == name.upper()
        assert command["summary"].strip()
        assert command["group"] == "statemachine"
        assert {"complexity", "since", "arity", "command_flags"} <= set(command), name
        if command.get("key_specs"):
            flags = set(command["command_flags"])
            assert len(flags & {"WRITE", "READONLY"}) == 1, name


def test_commands_that_take_data_say_what_depends_on_it() -> None:
    words = {"data": "DATA", "input": "INPUT"}
    for name, command in COMMANDS.items():
        for argument in command.get("arguments", []):
            if argument["name"] in words:
                what = f"context and {words[argument['name']]}, and the steps of expressions"
                assert what in command["complexity"], name


@pytest.mark.parametrize("name", NAMES)
def test_command_info(server: Server, name: str) -> None:
    command = COMMANDS[name]
    info = ask(server, "COMMAND", "INFO", name)[0]
    assert info[0].upper() == name
    assert info[1] == command["arity"]
    assert set(info[2]) == {flag.lower() for flag in command["command_flags"]} | {"module"}
    assert info[3:6] == ([1, 1, 1] if command.get("key_specs") else [0, 0, 0])


def has_categories(server: Server) -> bool:
    """Since 7.2; before, a module's commands are in no category."""
    return server.version >= (7, 2, 0)


@pytest.mark.parametrize("name", NAMES)
def test_acl_categories(server: Server, name: str) -> None:
    command = COMMANDS[name]
    if not has_categories(server):
        assert ask(server, "COMMAND", "INFO", name)[0][6] == []
        return
    flags = set(command["command_flags"])
    expected = {"@" + category.lower() for category in command.get("acl_categories", [])}
    expected.add("@fast" if "FAST" in flags else "@slow")
    if "WRITE" in flags:
        expected.add("@write")
    elif "READONLY" in flags:
        expected.add("@read")
    has_own = "statemachine" in ask(server, "ACL", "CAT")
    answered = set(ask(server, "COMMAND", "INFO", name)[0][6])
    assert answered | {"@statemachine"} == expected | {"@statemachine"}
    assert ("@statemachine" in answered) == has_own


def test_a_category_of_its_own(server: Server) -> None:
    """Redis 7.4 and Valkey 8.0 let a module add one."""
    can = server.version >= (7, 4, 0)
    assert ("statemachine" in ask(server, "ACL", "CAT")) == can
    if can:
        assert sorted(name.upper() for name in ask(server, "ACL", "CAT", "statemachine")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_key_specs(server: Server, name: str) -> None:
    answered = ask(server, "COMMAND", "INFO", name)[0][8]
    expected = COMMANDS[name].get("key_specs", [])
    assert len(answered) == len(expected)
    for one, spec in zip(answered, expected, strict=True):
        assert {flag.upper() for flag in one["flags"]} == set(spec["flags"])
        begin = {"index": spec["begin_search"]["index"]["pos"]}
        assert one["begin_search"] == {"type": "index", "spec": begin}
        span = spec["find_keys"]["range"]
        assert one["find_keys"] == {
            "type": "range",
            "spec": {"lastkey": span["lastkey"], "keystep": span["step"], "limit": span["limit"]},
        }


def test_key_specs_match_the_flags_of_the_command() -> None:
    for name, command in COMMANDS.items():
        for spec in command.get("key_specs", []):
            flags = set(spec["flags"])
            if "READONLY" in command["command_flags"]:
                assert flags == {"RO", "ACCESS"}, name
            else:
                assert flags & {"RW", "OW"}, name
                assert flags & {"UPDATE", "INSERT"}, name


@pytest.mark.parametrize("name", NAMES)
def test_getkeys(server: Server, name: str) -> None:
    raw = server.raw()
    if name not in with_key():
        with pytest.raises(redis.ResponseError, match=r"no key arguments|wrong number"):
            raw.execute_command("COMMAND", "GETKEYS", *enough(name))
        return
    assert raw.execute_command("COMMAND", "GETKEYS", *enough(name, "the key")) == [b"the key"]
    ((key, flags),) = raw.execute_command("COMMAND", "GETKEYSANDFLAGS", *enough(name, "the key"))
    assert key == b"the key"
    assert {flag.decode().upper() for flag in flags} == set(COMMANDS[name]["key_specs"][0]["flags"])


def documented(argument: dict[str, Any], answered: dict[str, Any], place: str) -> None:
    """Asserts that COMMAND DOCS shows an argument as the table has it."""
    assert answered["name"] == argument["name"], place
    assert answered["type"] == argument["type"], place
    assert answered.get("token") == argument.get("token"), place
    assert answered.get("summary") == argument.get("summary"), place
    assert answered.get("since") == argument.get("since"), place
    assert answered.get("key_spec_index") == argument.get("key_spec_index"), place
    expected = {word for word in ("optional", "multiple") if argument.get(word)}
    expected |= {"multiple_token"} if argument.get("multiple_token") else set()
    assert set(answered.get("flags", [])) == expected, place
    inner = argument.get("arguments", [])
    assert len(answered.get("arguments", [])) == len(inner), place
    for one, other in zip(inner, answered.get("arguments", []), strict=True):
        documented(one, other, f"{place}.{one['name']}")


@pytest.mark.parametrize("name", NAMES)
def test_command_docs(server: Server, name: str) -> None:
    command = COMMANDS[name]
    ((answered_name, docs),) = ask(server, "COMMAND", "DOCS", name).items()
    assert answered_name.upper() == name
    assert docs["summary"] == command["summary"]
    assert docs["since"] == command["since"]
    assert docs["complexity"] == command["complexity"]
    assert docs["group"] == "module"  # what the servers say for every module
    arguments = command.get("arguments", [])
    assert len(docs.get("arguments", [])) == len(arguments)
    for argument, answered in zip(arguments, docs.get("arguments", []), strict=True):
        documented(argument, answered, f"{name} {argument['name']}")
    history = [list(entry) for entry in command.get("history", [])]
    assert docs.get("history", []) == history


def test_module_and_type(server: Server) -> None:
    modules = ask(server, "MODULE", "LIST")
    (ours,) = [module for module in modules if module["name"] == "redisstate"]
    assert ours["ver"] > 0
    server.own.execute_command("SM.SET", "k", README)
    server.own.set("string", "x")
    assert server.own.type("k") == "StateType"
    assert list(server.own.scan_iter(_type="StateType")) == ["k"]
    assert server.own.object("encoding", "k") == "raw"
