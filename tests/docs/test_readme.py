"""The README's table of commands, the settings and the version are those of the code, and its command line prints what
it shows."""

import re
import shlex

import redis

from tests.client.command_line import Shell
from tests.docs.test_command_line import same, sessions
from tests.docs.test_sessions import python
from tests.servers import ROOT, Server
from tools import readme_table


def test_the_table_of_commands_is_that_of_commands_json() -> None:
    readme, commands = readme_table.read()
    assert readme_table.filled(readme, commands) == readme
    for name in commands:
        assert f"| `{name}" in readme


def test_the_table_of_settings_is_the_servers(server: Server) -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `(redisstate\.[a-z-]+)` \| `?([^`|]+?)`? \|", page, re.MULTILINE)
    assert dict(rows) == server.own.config_get("redisstate.*")


def test_the_version_is_one_and_the_changelog_knows_it(server: Server) -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert server.info()["version"] == version[1]
    (number,) = [one["ver"] for one in server.own.module_list() if one["name"] == "redisstate"]
    assert [number // 10_000, number // 100 % 100, number % 100] == [int(part) for part in version[1].split(".")]
    assert f"\n## [{version[1]}] - 2" in (ROOT / "CHANGELOG.md").read_text()


def test_no_command_and_no_argument_is_newer_than_the_version() -> None:
    text = (ROOT / "commands.json").read_text()
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    named = {tuple(map(int, since.split("."))) for since in re.findall(r'"since": "(.+?)"', text)}
    assert max(named) <= tuple(map(int, version[1].split(".")))


def test_an_option_is_written_with_its_word() -> None:
    _, commands = readme_table.read()
    for command in ("SM.SET", "SM.SEND"):
        written = readme_table.usage(command, commands[command])
        assert "[GUARDS count [name ...]] " in written
    assert "[IF ABSENT | PRESENT]" in readme_table.usage("SM.SET", commands["SM.SET"])
    assert "[REASON text]" in readme_table.usage("SM.RESET", commands["SM.RESET"])


def test_the_command_line_prints_what_the_readme_shows(server: Server, r: redis.Redis) -> None:
    page = ROOT / "README.md"
    python(r, page)
    played = [
        (command, same(Shell(server).run(*shlex.split(command)).output), same("\n".join(answer)))
        for command, answer in sessions(page.read_text(encoding="utf-8"))
    ]
    assert [said for _, said, _ in played] == [shown for _, _, shown in played]
    assert len(played) >= 3
