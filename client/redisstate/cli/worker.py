"""``worker``: runs the worker of a Python module."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import sys
from typing import Any

import click

from . import output
from .connection import Server, server_of


@click.command()
@click.argument("name", metavar="MODULE:NAME")
@click.option("--drain", is_flag=True, help="Do what is there and what comes of it, and end.")
@click.option("-q", "--quiet", is_flag=True, help="Log warnings and errors alone.")
@click.option("-v", "--verbose", is_flag=True, help="Log everything.")
@server_of
def worker(server: Server, name: str, drain: bool, quiet: bool, verbose: bool) -> None:
    """Run the Worker or AsyncWorker called NAME in MODULE.

    The module is looked for in the current folder, too; without ":NAME" it is "worker". The worker's client says which
    server it is, not --url. SIGTERM and Ctrl-C end it when what runs is finished.
    """
    if server.asked:
        raise click.UsageError("--url is not for a worker: the client in its module says which server it is")
    found = _load(name)
    server.url = _url(found) or server.url
    level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        result = (found.drain if drain else found.run)()
        if inspect.iscoroutine(result):
            asyncio.run(result)
    finally:
        sys.stdout.flush()
        done = [f"{number} {counter.replace('_', ' ')}" for counter, number in vars(found.counters).items() if number]
        output.remark(", ".join(done) or "nothing was done")


def _load(name: str) -> Any:
    """The worker. What its module raises is that module's, and stays as it is."""
    module_name, _, attribute = name.partition(":")
    attribute = attribute or "worker"
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise click.UsageError(f"There is no module {error.name} here or in sys.path.") from None
    except (ValueError, TypeError):
        raise click.UsageError(f"'{name}' is no MODULE:NAME.") from None
    found = getattr(module, attribute, None)
    if found is None:
        there = [one for one, value in vars(module).items() if _is_worker(value)]
        hint = f" It has: {', '.join(there)}." if there else ""
        raise click.UsageError(f"The module {module_name} has no '{attribute}'.{hint}")
    if not _is_worker(found):
        raise click.UsageError(f"'{name}' is no worker, but of the type {type(found).__name__}.")
    return found


def _is_worker(value: Any) -> bool:
    """Whether it is a Worker or an AsyncWorker, or behaves like one."""
    return not inspect.isclass(value) and all(hasattr(value, name) for name in ("run", "drain", "counters"))


def _url(worker: Any) -> str | None:
    """The server of the worker's client, for messages."""
    pool = getattr(getattr(worker, "client", None), "connection_pool", None)
    if service := getattr(pool, "service_name", None):
        return f"redis+sentinel://…/{service}"
    settings = getattr(pool, "connection_kwargs", {})
    return f"redis://{settings['host']}:{settings.get('port', 6379)}" if "host" in settings else None


def register(app: click.Group) -> None:
    app.add_command(worker)
