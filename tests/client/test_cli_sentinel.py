"""The command line on a server that a sentinel watches, by its URL."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from redisstate.cli import sentinel
from redisstate.cli.connection import Server as Named
from tests.client.command_line import MAP, Shell, write
from tests.sentinels import NAME, SentinelServer
from tests.servers import Server


@pytest.fixture
def watching(server: Server, tmp_path: Path) -> Iterator[SentinelServer]:
    """One sentinel, which watches the shared server."""
    folder = tmp_path / "sentinel"
    folder.mkdir()
    watching = SentinelServer(folder, server, 1)
    watching.start()
    watching.own.execute_command("SENTINEL", "SET", NAME, "down-after-milliseconds", 600_000)  # however busy it is
    yield watching
    watching.stop()


def test_the_primary_is_the_one_that_the_sentinels_name(
    server: Server,
    watching: SentinelServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, map=MAP)
    shell = Shell(server)
    dead = socket.socket()  # bound, so that it is nobody else's, and not listening
    request.addfinalizer(dead.close)
    dead.bind(("127.0.0.1", 0))
    hosts = f"127.0.0.1:{dead.getsockname()[1]},127.0.0.1:{watching.port}"
    shell.url = f"redis+sentinel://{hosts}/{NAME}/1"
    assert shell.done("set", "m", "map.json") == "cart\n"
    assert shell.done("send", "m", "placed") == "placed\n"
    assert shell.done("show", "m").startswith("m  ")
    assert shell.run("check", "map.json").stderr == "1 document, 0 errors, 0 warnings\n"
    with server.client(db=1) as other:
        assert other.exists("m") == 1
    said = shell.failed("show", "m", "--url", f"redis+sentinel://:secret@{hosts}/others", status=3)
    assert said.startswith(f"redisstate: cannot reach redis+sentinel://:***@{hosts}/others: no sentinel that answers")
    said = shell.failed("show", "m", "--url", f"redis://127.0.0.1:{watching.port}", status=2)
    assert "is a sentinel: say redis+sentinel://host:port/service" in said


@pytest.mark.parametrize(
    ("url", "servers", "sentinels"),
    [
        ("redis+sentinel://h/s", {}, [("h", 26379, {})]),
        ("redis+sentinel://h:1,[::1]:2,[::1]/s/3", {"db": 3}, [("h", 1, {}), ("::1", 2, {}), ("::1", 26379, {})]),
        (
            "redis+sentinel://ann:p%40w@h/s?socket_timeout=2&sentinel_username=bob&sentinel_password=x@y",
            {"username": "ann", "password": "p@w", "socket_timeout": 2.0},
            [("h", 26379, {"username": "bob", "password": "x@y"})],
        ),
        ("REDISS+sentinel://h/s?ssl_ca_certs=ca", {"ssl_ca_certs": "ca"}, [("h", 26379, {"ssl_ca_certs": "ca"})]),
    ],
)
def test_what_an_url_says(url: str, servers: dict[str, Any], sentinels: list[tuple[str, int, dict[str, Any]]]) -> None:
    pool = sentinel.primary(url).connection_pool
    assert pool.service_name == "s"
    assert servers.items() <= pool.connection_kwargs.items()
    assert "host" not in pool.connection_kwargs
    assert ("SSL" in pool.connection_class.__name__) == url.startswith("REDISS")
    for one, (host, port, settings) in zip(pool.sentinel_manager.sentinels, sentinels, strict=True):
        found = one.connection_pool.connection_kwargs
        assert (found["host"], found["port"]) == (host, port)
        assert settings.items() <= found.items()
        assert one.connection_pool.connection_class.__name__.startswith("SSL") == url.startswith("REDISS")


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "h",
        "h:1/",
        "/s",
        "h:x/s",
        "h,/s",
        "h:1:2/s",
        "h/s/x",
        "h/s?none=1",
        "h/s?sentinel_none=1",
        "[h/s",
        "h:99999/s",
    ],
)
def test_an_url_that_is_none_is_wrong_usage(server: Server, rest: str) -> None:
    said = Shell(server).failed("show", "m", "--url", f"redis+sentinel://{rest}", status=2)
    assert "is no URL of a server" in said
    assert "redis+sentinel://host:port,…/service[/db]" in " ".join(said.split())


def test_no_password_is_shown() -> None:
    url = "redis+sentinel://ann:secret@h:1,h:2/s/0?sentinel_password=secret"
    assert Named(url).shown == "redis+sentinel://ann:***@h:1,h:2/s/0"
