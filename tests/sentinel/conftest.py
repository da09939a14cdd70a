"""``sentinels``: a primary and two replicas with three sentinels, which are the server's binary with --sentinel.

Every server of the matrix has that mode; on one without it, these tests fail rather than be skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sentinels import SentinelGroup
from tests.servers import Server


@pytest.fixture
def sentinels(start_server: Callable[..., Server], tmp_path: Path) -> Iterator[SentinelGroup]:
    group = SentinelGroup(start_server, tmp_path)
    yield group
    group.stop()
