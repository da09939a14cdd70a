"""Fixtures: a server that all tests of one process share, servers of one test, clients."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis

from tests.servers import MODULE, Server
from tools import servers


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also tests marked long, and larger numbers in others")


def pytest_configure(config: pytest.Config) -> None:
    """No deadlines for examples: one that takes 6 ms took 258 on a busy machine. Programs that the tests start hear
    Ctrl-C, also where the tests run in the background of a script, which lets them ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    untimed = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.register_profile("short", untimed)
    hypothesis.settings.register_profile("long", untimed, max_examples=10_000, print_blob=True)
    hypothesis.settings.load_profile("long" if config.getoption("--long") else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects tests that are marked long, unless --long is given."""
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether this is a long run."""
    return bool(request.config.getoption("--long"))


def pytest_report_header() -> str:
    found = servers.find()
    return f"server: {found.name}, {found.path}; module: {MODULE}"


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this process. Tests use ``server``, which is empty."""
    server = Server(tmp_path_factory.mktemp("shared")).start()
    yield server
    server.stop()
    faults = server.faults()
    assert not faults, "\n".join(faults)


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server, empty and with default settings. Fails a test during which the log shows a fault."""
    if not shared_server.alive():
        shared_server.start_again()
    shared_server.own.execute_command("FLUSHALL", "SYNC")
    shared_server.own.function_flush()
    shared_server.wait_info(machines=0)  # machines of an earlier test may be freed on another thread
    position = len(shared_server.log())
    yield shared_server
    if shared_server.alive():
        shared_server.undo_config()
    shared_server.close_clients()
    faults = shared_server.faults(position)
    shared_server.expected.clear()
    assert not faults, "\n".join(faults)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers for one test: ``start_server(settings={...}, module_args=[...], ...)``."""
    started: list[Server] = []

    def start(**options: Any) -> Server:
        folder = options.pop("folder", None) or tmp_path / f"server{len(started)}"
        folder.mkdir(parents=True, exist_ok=True)
        server = Server(folder, **options)
        started.append(server)
        return server.start()

    yield start
    faults = []
    for server in reversed(started):
        faults += server.faults()
        server.stop()
        faults += [fault for fault in server.faults() if fault not in faults]
    assert not faults, "\n".join(faults)


@pytest.fixture
def r(server: Server) -> redis.Redis:
    """A RESP2 client of the shared server that decodes replies to text."""
    return server.client()


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def raw(request: pytest.FixtureRequest, server: Server) -> redis.Redis:
    """A client of the shared server, in both protocols, that returns replies as bytes."""
    return server.raw(request.param)
