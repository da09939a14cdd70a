"""The group of all commands. A command's module is imported when that command is asked for: it has ``register(app)``,
which adds the command."""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import click

from . import INTERRUPTED
from .connection import DEFAULT_URL, url_option
from .failures import told

DISTRIBUTION = "redis-state-machine"
COMMANDS = {
    "check": "check",
    "draw": "draw",
    "convert": "convert",
    "types": "types",
    "set": "change",
    "send": "change",
    "force": "change",
    "show": "look",
    "history": "look",
    "pending": "look",
    "watch": "watch",
    "top": "top",
    "worker": "worker",
    "completion": "completion",
}
"""The module of each command, in the order of the help."""


class Commands(click.Group):
    """A group that knows the modules of its commands, and tells errors in words."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in COMMANDS.items() if find_spec(f".{module}", __package__)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.list_commands(ctx) and cmd_name not in self.commands:
            import_module(f".{COMMANDS[cmd_name]}", __package__).register(self)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and (near := difflib.get_close_matches(args[0], COMMANDS, 1)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with told(ctx):
                return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


def _version(ctx: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked:
        try:
            click.echo(f"{ctx.info_name} {version(DISTRIBUTION)}")
        except PackageNotFoundError:
            click.echo(f"{ctx.info_name}, from a checkout that is not installed")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="State machines in Redis and Valkey.\n\n"
    f"The server is that of --url, else of the environment's REDIS_URL, else {DEFAULT_URL}.",
    epilog="Exit status: 0 done; 1 it did not happen: refused, not there, errors found; 2 wrong usage; "
    "3 the server cannot be reached or cannot do it; 130 after Ctrl-C.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and end."
)
@url_option
def app() -> None:
    """The group; its words are above."""
