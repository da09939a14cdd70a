"""Access control: key patterns, read and write permissions, selectors and categories hold for every SM.* command.

Servers differ. Key patterns and permissions work on all of them. Redis 7.2 and Valkey have categories for a module's
commands; on Redis 7.0 they are in no category, so that +@read allows none of them and -@write forbids none. Redis 7.4
and Valkey 8.0 let a module add a category of its own, @statemachine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.contract import COMMANDS, enough, with_key, writes
from tests.documents import README, README_GET
from tests.servers import ROOT, Server
from tools import servers

PAGE = ROOT / "docs" / "access-control.md"
NAMES = list(COMMANDS)
READS = [name for name in NAMES if name not in writes()]
KEYED_READS = [name for name in with_key() if name not in writes()]

VERSION = servers.find().version
HAS_CATEGORIES = VERSION >= (7, 2, 0)
HAS_OWN_CATEGORY = VERSION >= (7, 4, 0)

DENIED = r"(?i)permission|can't access|can't run"
SECRET = "a reason that nobody else may read"


class Users:
    """Creates users, and clients of them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.made: list[str] = []

    def __call__(self, *rules: str) -> redis.Redis:
        name = f"user{len(self.made)}"
        self.made.append(name)
        self.server.own.execute_command("ACL", "SETUSER", name, "reset", "on", ">secret", *rules)
        return self.server.client(username=name, password="secret")


@pytest.fixture
def user(server: Server) -> Iterator[Users]:
    """``user(*rules)`` creates a user with these rules, and returns a client of it."""
    users = Users(server)
    for key in ("orders:1", "others:1"):
        server.own.execute_command("SM.SET", key, README)
        server.own.execute_command("SM.MUTATE", key, "boo", SECRET)
    server.own.function_load(
        "#!lua name=f\nredis.register_function('call', function(keys, words) return redis.call(unpack(words)) end)",
        replace=True,
    )
    yield users
    for name in users.made:
        server.own.execute_command("ACL", "DELUSER", name)
    server.own.execute_command("ACL", "LOG", "RESET")


SCRIPT = "return redis.call(unpack(ARGV))"


def call_forms(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The command itself, and in a script and a function that do not declare its key."""
    return [words, ("EVAL", SCRIPT, "0", *words), ("FCALL", "call", "0", *words)]


def declaring_the_key(words: tuple[str, ...]) -> tuple[str, ...]:
    """In a script that declares the key; the server then requires both permissions, whatever the script does."""
    return ("EVAL", SCRIPT, "1", words[1], *words)


def assert_denied(client: redis.Redis, words: tuple[str, ...]) -> None:
    """Every form is refused, and no error reveals the key's data."""
    for call in (*call_forms(words), *([declaring_the_key(words)] if words[0] in with_key() else [])):
        with pytest.raises(redis.ResponseError, match=DENIED) as caught:
            client.execute_command(*call)
        assert SECRET not in str(caught.value)
    with client.pipeline(transaction=True) as pipe:
        pipe.execute_command(*words)
        with pytest.raises(redis.RedisError, match=DENIED):
            pipe.execute()


def assert_allowed(client: redis.Redis, words: tuple[str, ...]) -> None:
    for call in call_forms(words):
        client.execute_command(*call)


# Key patterns


@pytest.mark.parametrize("name", with_key())
def test_a_pattern_of_keys_holds(server: Server, user: Users, name: str) -> None:
    client = user("~orders:*", "+@all")
    before = server.digest("others:1")
    assert_allowed(client, enough(name, "orders:1"))
    client.execute_command(*declaring_the_key(enough(name, "orders:1")))
    assert_denied(client, enough(name, "others:1"))
    assert_denied(client, enough(name, "missing"))
    assert_denied(client, enough(name, "ORDERS:1"))
    assert server.digest("others:1") == before
    assert server.own.exists("missing", "ORDERS:1") == 0


def test_no_pattern_no_key(user: Users) -> None:
    client = user("+@all")
    for name in with_key():
        assert_denied(client, enough(name, "orders:1"))
    assert client.execute_command("SM.TEMPLATE")


def test_a_refusal_is_in_the_servers_log(server: Server, user: Users) -> None:
    client = user("~orders:*", "+@all")
    with pytest.raises(NoPermissionError):
        client.execute_command("SM.GET", "others:1")
    entry = server.own.acl_log()[0]
    assert (entry["reason"], entry["object"]) == ("key", "others:1")


# Read and write permissions of keys, and selectors


@pytest.mark.parametrize("name", with_key())
def test_permissions_to_read_and_to_write_a_key(user: Users, name: str) -> None:
    """SM.SET and SM.CREATE only write. A command that moves a machine reveals its state, so that it reads too."""
    flags = COMMANDS[name]["key_specs"][0]["flags"]
    needs = {{"ACCESS": "R", "UPDATE": "W"}[flag] for flag in flags if flag in {"ACCESS", "UPDATE"}}
    for letters in ("R", "W", "RW"):
        client = user(f"%{letters}~orders:*", "+@all")
        words = enough(name, "orders:1")
        if needs <= set(letters):
            assert_allowed(client, words)
        else:
            assert_denied(client, words)


def test_what_each_command_needs_of_a_key() -> None:
    """The expectation of the test above: a command that answers from the machine needs the read permission."""
    blind = {name for name in writes() if "ACCESS" not in COMMANDS[name]["key_specs"][0]["flags"]}
    assert blind == {"SM.SET", "SM.CREATE"}
    assert all("ACCESS" in COMMANDS[name]["key_specs"][0]["flags"] for name in KEYED_READS)


def test_selectors(server: Server, user: Users) -> None:
    client = user("%R~orders:*", "%W~inbox:*", "+@all", "(~archive:* +sm.get +sm.state)")
    server.own.execute_command("SM.SET", "archive:1", README)
    assert client.execute_command("SM.GET", "orders:1", "REASON") == SECRET
    assert_denied(client, ("SM.MUTATE", "orders:1", "blee"))
    assert_denied(client, ("SM.SET", "orders:1", README))
    assert client.execute_command("SM.SET", "inbox:1", README) == "OK"
    assert_denied(client, ("SM.GET", "inbox:1"))
    assert_denied(client, ("SM.MUTATE", "inbox:1", "boo"))
    assert client.execute_command("SM.GET", "archive:1") == README_GET
    assert client.execute_command("SM.STATE", "archive:1") == ["bar"]
    assert_denied(client, ("SM.NEXT", "archive:1"))
    assert_denied(client, ("SM.SET", "archive:1", README))
    assert client.execute_command("COPY", "orders:1", "inbox:2")
    with pytest.raises(NoPermissionError):
        client.execute_command("COPY", "inbox:1", "orders:2")


def documented(name: str) -> list[str]:
    """The rules of a user in docs/access-control.md, without `on` and the password."""
    found = re.search(rf"^    ACL SETUSER {name} on >secret (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1].split()


def test_a_service_and_its_support(server: Server, user: Users) -> None:
    """The users of docs/access-control.md: a service takes transitions, support can force, neither replaces."""
    service, support = user(*documented("service")), user(*documented("support"))
    server.own.execute_command("SM.SET", "customers:1", README)
    assert service.execute_command("SM.STATE", "customers:1") == ["bar"]
    for client in (service, support):
        assert client.execute_command("SM.GET", "orders:1", "REASON") == SECRET
        with pytest.raises(NoPermissionError):
            client.execute_command("SM.SEND", "customers:1", "boo")
        for words in (("SM.SET", "orders:1", README), ("SM.RESET", "orders:1"), ("DEL", "orders:1")):
            with pytest.raises(NoPermissionError):
                client.execute_command(*words)
    assert service.execute_command("SM.SEND", "orders:1", "bar") is None, "no transition leads there"
    assert service.execute_command("SM.SEND", "orders:1", "blee") == ["blee"]
    for words in (("SM.MUTATE", "orders:1", "bar", "why", "FORCE"), ("SM.MUTATE", "orders:1", "bar")):
        with pytest.raises(NoPermissionError):
            service.execute_command(*words)
    assert support.execute_command("SM.MUTATE", "orders:1", "bar", "why", "FORCE") == "OK"
    assert service.execute_command("SM.STATE", "orders:1") == ["bar"]


# Commands and categories


@pytest.mark.parametrize("name", NAMES)
def test_one_command_alone(user: Users, name: str) -> None:
    """Without categories: by name, on every server."""
    client = user("~*", f"+{name}")
    client.execute_command(*enough(name, "orders:1"))
    for other in NAMES:
        if other != name:
            with pytest.raises(NoPermissionError):
                client.execute_command(*enough(other, "orders:1"))
    assert_denied(user("~*", "+@all", f"-{name.lower()}"), enough(name, "orders:1"))


def test_a_reader_cannot_write(server: Server, user: Users) -> None:
    """With the key's read permission, on every server. On Redis 7.0, +@read alone allows no SM.* command."""
    client = user("%R~*", "+@all")
    for name in READS:
        assert_allowed(client, enough(name, "orders:1"))
    for name in writes():
        assert_denied(client, enough(name, "orders:1"))

    client = user("~*", "+@read", "+@scripting")
    for name in READS:
        if HAS_CATEGORIES:
            assert_allowed(client, enough(name, "orders:1"))
        else:
            assert_denied(client, enough(name, "orders:1"))
    before = server.digest("orders:1")
    for name in writes():
        assert_denied(client, enough(name, "orders:1"))
    assert server.digest("orders:1") == before


def test_without_the_category_of_writes(user: Users) -> None:
    """On Redis 7.0 -@write forbids no SM.* command: the key's permission, or the command's name, must."""
    client = user("~*", "+@all", "-@write")
    for name in READS:
        assert_allowed(client, enough(name, "orders:1"))
    for name in writes():
        if HAS_CATEGORIES:
            assert_denied(client, enough(name, "orders:1"))
        else:
            assert_allowed(client, enough(name, "orders:1"))


def own_category(server: Server) -> bool:
    return "statemachine" in {str(word) for word in server.own.execute_command("ACL", "CAT")}


def test_the_modules_own_category(server: Server, user: Users) -> None:
    """+@statemachine allows every SM.* command, and no other. Servers without the category reject the rule."""
    assert own_category(server) == HAS_OWN_CATEGORY
    if not HAS_OWN_CATEGORY:
        with pytest.raises(redis.ResponseError, match="Unknown command or category"):
            user("~*", "+@statemachine")
        return
    client = user("~*", "+@statemachine")
    for name in NAMES:
        client.execute_command(*enough(name, "orders:1"))
    for call in (("GET", "k"), ("SET", "k", "v"), ("DEL", "orders:1"), ("DUMP", "orders:1"), ("PING",), ("INFO",)):
        with pytest.raises(NoPermissionError):
            client.execute_command(*call)
    listed = {str(name).upper() for name in server.own.execute_command("ACL", "CAT", "statemachine")}
    assert listed == set(NAMES)

    client = user("~orders:*", "+@statemachine", "-@write")
    for name in READS:
        client.execute_command(*enough(name, "orders:1"))
    for name in writes():
        with pytest.raises(NoPermissionError):
            client.execute_command(*enough(name, "orders:1"))
    without = user("~*", "+@all", "-@statemachine")
    for name in NAMES:
        assert_denied(without, enough(name, "orders:1"))
