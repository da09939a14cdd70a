"""``completion``: what a shell needs to complete commands, options and keys."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "redisstate"
WHERE = {
    "bash": '~/.bashrc:  eval "$(redisstate completion bash)"',
    "zsh": '~/.zshrc:  eval "$(redisstate completion zsh)"',
    "fish": "redisstate completion fish > ~/.config/fish/completions/redisstate.fish",
}


@click.command(
    help="Print what a shell needs to complete commands, options and the keys of machines.\n\n\b\n"
    + "\n".join(WHERE.values())
)
@click.argument("shell", type=click.Choice(list(WHERE)))
def completion(shell: str) -> None:
    """Its help is above."""
    found = get_completion_class(shell)
    assert found is not None
    app = click.get_current_context().find_root().command
    click.echo(found(app, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source())


def register(app: click.Group) -> None:
    app.add_command(completion)
