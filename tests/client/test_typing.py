"""What a type checker says of a program that uses the package: the right ones pass, the wrong ones are found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.servers import ROOT

PROGRAM = """
from redisstate import AsyncMachine, AsyncMachines, Conflict, Effect, Machine, Machines, Step, check
from redisstate.clients import AsyncClient, Client

def right(client: Client) -> tuple[str, ...]:
    order = Machine(client, "order:1", strict=True)
    first: Step | None = order.set({"initial": "a", "map": {}}, input={"total": 3}, if_absent=True)
    start: Step = order.set({"initial": "a", "map": {}}, if_revision=1)
    step: Step = order.send("PAY", {"when": 1}, guards=["a"], amount=20, if_revision=3)
    effects: tuple[Effect, ...] = step.effects
    revision: int | None = order.revision
    pending: list[str] = [found.handle for found in order.pending()]
    with order.pipeline() as pipe:
        pipe.send("PAY", amount=20, idempotency_key="a")
        pipe.machine(b"order:2").mutate("paid", force=True)
    Machines(client).send(Machines(client).scan("paid"), "SHIP")
    return order.states

async def awaited(client: AsyncClient) -> tuple[str, ...]:
    order = AsyncMachine(client, "order:1")
    start: Step = await order.set({"initial": "a", "map": {}}, if_present=False)
    step: Step = await order.send("PAY", amount=20)
    async for found in AsyncMachines(client).scan("paid"):
        print(found.key)
    async with order.pipeline() as pipe:
        pipe.send("PAY", amount=20)
        await pipe.execute()
    return await order.states()

def wrong(client: Client) -> None:
    order = Machine(client, "order:1")
    order.send(7)  # 1
    order.send("PAY", if_revision="7")  # 2
    order.set(["PAY"])  # 3
    order.diagram("svg")  # 4
    order.pipeline().send()  # 5
    order.pipeline().done("a", guards=1)  # 6
    order.sned("PAY")  # 7
    order.states.append("a")  # 8
    order.set({"initial": "a", "map": {}}, if_absent=True).states  # 9
    order.set({"initial": "a", "map": {}}, if_present=len(order.states) > 1).states  # 10

async def awaited_wrong(client: AsyncClient) -> None:
    (await AsyncMachine(client, "order:1").set({}, if_present=True)).states  # 11
"""


def test_a_type_checker_knows_the_package(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", str(program)],
        cwd=tmp_path, env={"MYPYPATH": str(ROOT / "client"), "PATH": ""}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    lines = PROGRAM.splitlines()
    found = {int(line.split(":")[1]) for line in run.stdout.splitlines() if ": error: " in line}
    expected = {number for number, line in enumerate(lines, 1) if "  # " in line}
    assert found == expected, run.stdout + run.stderr
