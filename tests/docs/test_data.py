"""The page on data: XState shows what the server holds, by the JavaScript on the page."""

from __future__ import annotations

import json
import re

import pytest
import redis

from tests.docs.test_sessions import document
from tests.docs.test_statecharts import javascript
from tests.servers import ROOT

PAGE = ROOT / "docs" / "data.md"


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("amounts", "shown"),
    [([], "active open { total: 30, paid: 0 }\n"), ([10], "active open { total: 30, paid: 10 }\n"),
     ([10, 20], "done paid { total: 30, paid: 30 }\n")],
)  # fmt: skip
def test_xstate_shows_the_machine_that_the_server_holds(r: redis.Redis, amounts: list[int], shown: str) -> None:
    order = document(PAGE)
    r.execute_command("SM.SET", "order", order, "INPUT", '{"total": 30}')
    for amount in amounts:
        r.execute_command("SM.SEND", "order", "PAY", "DATA", json.dumps({"amount": amount}))
    page = re.search(r"^```js\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert page is not None
    snapshot = r.execute_command("SM.GET", "order", "SNAPSHOT")
    ran = javascript(f"const document = {order}; const snapshot = {snapshot};\n{page[1]}")
    assert (ran.stdout, ran.stderr) == (shown, "")
