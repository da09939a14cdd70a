"""A cluster that the tests of one process share, since starting one takes a while."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clusters import Cluster
from tests.servers import Server


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries, three replicas. Tests use ``cluster``, which is empty."""
    servers: list[Server] = []

    def start(**options: object) -> Server:
        servers.append(Server(tmp_path_factory.mktemp("node"), **options))  # type: ignore[arg-type]
        return servers[-1].start()

    yield Cluster(start)
    faults = []
    for server in reversed(servers):
        server.stop()
        faults += server.faults()
    assert not faults, "\n".join(faults)


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Iterator[Cluster]:
    """The shared cluster, complete and empty."""
    shared_cluster.wait_until_complete()
    for primary in shared_cluster.primaries():
        primary.own.execute_command("FLUSHALL", "SYNC")
    yield shared_cluster
    shared_cluster.close()
    for server in shared_cluster.servers:
        server.undo_config()
        server.close_clients()
