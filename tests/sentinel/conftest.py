"""``watched``: a primary and two replicas under three sentinels, which the server's own binary is, with --sentinel.

Every server of the matrix has that mode; one that has not fails these tests, it does not skip them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sentinels import Watched
from tests.servers import Server


@pytest.fixture
def watched(start_server: Callable[..., Server], tmp_path: Path) -> Iterator[Watched]:
    group = Watched(start_server, tmp_path)
    yield group
    group.stop()
