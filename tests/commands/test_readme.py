"""The README's example word for word: redis-py, and redis-cli or valkey-cli where there is one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import redis

from tests.documents import README, README_GET, TEMPLATE
from tests.servers import Server
from tools import servers


def test_redis_py(raw: redis.Redis) -> None:
    assert raw.execute_command("SM.SET", "mymachine", '{"current":"","map":{},"initial":"foo"}') == b"OK"
    assert raw.execute_command("SM.GET", "mymachine") == b'{"current":"foo","map":{},"initial":"foo"}'
    assert raw.execute_command("SM.SET", "mymachine", README) == b"OK"
    assert raw.execute_command("SM.GET", "mymachine") == README_GET.encode()
    assert raw.execute_command("SM.MUTATE", "mymachine", "notastate") is None
    assert raw.execute_command("SM.MUTATE", "mymachine", "blee") == b"OK"
    moved = b'{"current":"blee","map":{"bar":["blee","boo"],"boo":["blee"]},"initial":"bar"}'
    assert raw.execute_command("SM.GET", "mymachine") == moved


def test_create_is_the_template(raw: redis.Redis) -> None:
    assert raw.execute_command("SM.TEMPLATE") == TEMPLATE.encode()
    assert raw.execute_command("SM.CREATE", "k") == b"OK"
    assert raw.execute_command("SM.GET", "k") == TEMPLATE.encode()


@pytest.fixture
def cli(server: Server) -> Path:
    found = servers.command_line(server.binary.path)
    if found is None:
        pytest.skip("neither redis-cli nor valkey-cli is on this machine")
    return found


def play(cli: Path, server: Server, commands: str, *options: str) -> list[str]:
    """The lines that the client prints for a script of commands on its standard input."""
    run = subprocess.run(
        [cli, "-p", str(server.port), *options],
        input=commands, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return run.stdout.splitlines()


@pytest.mark.parametrize("options", [("-2", "--no-raw"), ("-3", "--no-raw")], ids=["RESP2", "RESP3"])
def test_command_line(cli: Path, server: Server, options: tuple[str, ...]) -> None:
    script = (
        'SM.SET mymachine \'{"current":"","map":{},"initial":"foo"}\'\n'
        "SM.GET mymachine\n"
        f"SM.SET mymachine '{README}'\n"
        "SM.MUTATE mymachine notastate\n"
        "SM.MUTATE mymachine blee\n"
        "SM.STATE mymachine\n"
        "SM.GET mymachine REASON\n"
        "SM.GET nothere\n"
    )
    said = [line for line in play(cli, server, script, *options) if line]
    assert said == [
        "OK",
        r'"{\"current\":\"foo\",\"map\":{},\"initial\":\"foo\"}"',
        "OK",
        "(nil)",
        "OK",
        '1) "blee"',
        '""',
        "(nil)",
    ]


def test_command_line_plain(cli: Path, server: Server) -> None:
    said = play(cli, server, f"SM.SET m '{README}'\nSM.GET m\n")
    assert said == ["OK", README_GET]
