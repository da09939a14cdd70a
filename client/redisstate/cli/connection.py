"""The server that a command talks to: its URL, a client of it, and the options that name it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import click
from click.shell_completion import CompletionItem

from .. import replies
from . import sentinel

DEFAULT_URL = "redis://localhost:6379"
FORMS = "redis://[[user]:password@]host:port[/db], rediss://…, unix://… or redis+sentinel://host:port,…/service[/db]"
SECONDS_TO_CONNECT = 5
KIND = "StateType"
"""What TYPE answers for a machine."""


@dataclass
class Server:
    """The context's object: the server that --url or REDIS_URL names. ``asked``: it is that of --url."""

    url: str = field(default_factory=lambda: os.environ.get("REDIS_URL") or DEFAULT_URL)
    asked: bool = False

    @property
    def shown(self) -> str:
        """The URL without its password and its query, whatever characters the password has.

        The host stands behind the last ``@``, unless that may be part of a query: nothing but the scheme is shown then.
        """
        scheme, slashes, rest = self.url.partition("://")
        if not slashes:
            scheme, rest = "", self.url
        before, at, host = rest.rpartition("@")
        if "?" in before:
            return f"{scheme}{slashes}***"
        user, colon, _ = before.partition(":")
        hidden = f"{user}:***@" if colon else "***@" if at else ""
        return f"{scheme}{slashes}{hidden}{re.split('[?#]', host)[0]}"

    def node(self) -> Any:
        """A client of the server itself: for what has no key."""
        import redis

        return self._connected(redis.Redis)

    def client(self) -> Any:
        """A client of the server, or of the cluster that it belongs to."""
        import redis

        node = self.node()
        mode = _mode(node)
        if mode == "sentinel":
            raise click.UsageError(f"{self.shown} is a sentinel: say redis+sentinel://host:port/service")
        if mode != "cluster":
            return node
        node.close()
        return self._connected(redis.RedisCluster)

    def _connected(self, kind: Any) -> Any:
        """It never sends a command twice: the first may have been done."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        try:
            settings = {"socket_connect_timeout": SECONDS_TO_CONNECT, "retry": Retry(NoBackoff(), 0)}
            if sentinel.is_url(self.url):
                made = sentinel.primary(self.url, **settings)
            else:
                made = kind.from_url(self.url, **settings)
            if pool := getattr(made, "connection_pool", None):  # a name that is none, an option that is not known
                pool.connection_kwargs.get("host", "").encode("idna")
                pool.make_connection()
            return made
        except (ValueError, TypeError):  # whose text may have a part of the password
            raise click.UsageError(
                f"{self.shown} is no URL of a server; one is {FORMS}\n"
                "Percent-encode what a user's name or a password has beside letters and digits: / is %2F, @ is %40"
            ) from None


def _mode(node: Any) -> str:
    """``standalone``, ``cluster`` or ``sentinel``. HELLO says so, and every user may ask it."""
    return replies.text(replies.mapping(node.execute_command("HELLO"))["mode"])


def node_of(client: Any, key: bytes) -> Any:
    """A client of the node that has the key: keyspace events are heard there alone."""
    if not hasattr(client, "get_node_from_key"):
        return client
    return client.get_redis_connection(client.get_node_from_key(key))


def primaries(client: Any) -> list[Any]:
    """A client of each node whose keys together are all keys."""
    if not hasattr(client, "get_primaries"):
        return [client]
    return [client.get_redis_connection(node) for node in client.get_primaries()]


def _remember(ctx: click.Context, parameter: click.Parameter, url: str | None) -> None:
    server = ctx.ensure_object(Server)
    if url is not None:
        server.url, server.asked = url, True


url_option = click.option(
    "--url",
    metavar="URL",
    callback=_remember,
    expose_value=False,
    help=f"The server: {FORMS}.",
)
"""Of the group and of each command that talks to a server, so that it may stand before or behind the command's name."""


def offered(words: Iterable[str]) -> list[CompletionItem]:
    """What a shell may complete a word to. Lines tell them apart: one that is not printable might be two, or commands
    of a terminal."""
    return [CompletionItem(word) for word in words if word and word.isprintable()]


class KeyType(click.ParamType):  # type: ignore[type-arg]
    """A key, as the bytes that the shell hands on. The shell is offered the machines that are there."""

    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        return value if isinstance(value, bytes) else os.fsencode(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return offered(_keys(ctx.ensure_object(Server).client(), incomplete))
        except Exception:  # a shell that completes a word shows no errors
            return []


MOST_OFFERED = 50
MOST_ROUNDS = 20


def _keys(client: Any, prefix: str) -> Iterator[str]:
    """Some machines whose key begins so: of the first that a scan comes by."""
    pattern = re.sub(r"([\\*?\[\]])", r"\\\1", prefix) + "*"
    left = MOST_OFFERED
    for node in primaries(client):
        cursor = 0
        for _ in range(MOST_ROUNDS):
            cursor, keys = node.scan(cursor, match=pattern, count=500, _type=KIND)
            for key in keys[:left]:
                yield os.fsdecode(key)
            left -= len(keys)
            if cursor == 0 or left <= 0:
                break


KEY = KeyType()
server_of = click.make_pass_decorator(Server, ensure=True)
"""Gives the command the server as its first argument."""
