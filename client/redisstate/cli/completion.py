"""``completion``: what a shell needs to complete commands, options, keys and events."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

PROGRAM = "redisstate"
WHERE = {
    "bash": '~/.bashrc:  eval "$(redisstate completion bash)"',
    "zsh": '~/.zshrc:  eval "$(redisstate completion zsh)"',
    "fish": "redisstate completion fish > ~/.config/fish/completions/redisstate.fish",
}


class Bash(BashComplete):
    """Bash takes ``:`` for the end of a word, and keys have one: words are told apart by spaces alone, and of what is
    offered, the part before the last colon, which stands there already, is left out. Bash puts on its line what it is
    given: zsh and fish quote it themselves."""

    source_template = r"""
%(complete_func)s() {
    local line="${COMP_LINE:0:$COMP_POINT}" type value
    local -a words
    read -r -a words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local word="${words[-1]}"
    local there="${word%%"${word##*:}"}"
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames 2> /dev/null ;;
            file) compopt -o default 2> /dev/null ;;
            plain) printf -v value '%%q' "${value#"$there"}"; COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD="$((${#words[@]} - 1))" %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


KINDS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": ZshComplete, "fish": FishComplete}


HELP = "Print what a shell needs to complete words: commands, options, keys and events."


@click.command(
    help="\n".join([HELP, "", "\b", *WHERE.values()]),
    short_help="Print what a shell needs to complete words.",
)
@click.argument("shell", type=click.Choice(list(WHERE)))
def completion(shell: str) -> None:
    """Its help is above."""
    app = click.get_current_context().find_root().command
    click.echo(KINDS[shell](app, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source().strip())


def register(app: click.Group) -> None:
    app.add_command(completion)
