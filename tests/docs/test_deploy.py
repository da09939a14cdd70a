"""docs/deploy.md and the files in deploy/: they are parsed, and what they start is started, with the tests' server."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import HANG, MODULE, ROOT, Server, wait_until
from tools import dist, image, matrix

PAGE = ROOT / "docs" / "deploy.md"
TEXT = PAGE.read_text(encoding="utf-8")
FOLDER = ROOT / "deploy"
LONGEST_PAGE = 250
BY_HAND = (
    "apt-get install libpython3.11 redis-server",
    "make image",
    "docker compose -f deploy/compose.yaml up",
)
"""Commands of the page that a test cannot run."""
PLACE = "/usr/local/lib/redisstate/redisstate.so"
Start = Callable[..., Server]


def table(head: str) -> list[list[str]]:
    """The rows of the page's table whose head begins so."""
    lines = TEXT[TEXT.index(f"\n| {head}") :].splitlines()[3:]
    rows = lines[: next(at for at, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def first_json(page: str) -> str:
    """The first document that another page shows."""
    found = re.search(r"^```json\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def settings(words: list[str], **instead: Any) -> dict[str, Any]:
    """Arguments of a server, ``--name value …``, as settings; ``instead`` has what another machine has elsewhere."""
    found: dict[str, Any] = {}
    for word in words:
        if word.startswith("--"):
            name = word[2:]
            found[name] = ()
        else:
            found[name] += (word,)
    found = {name: values[0] if len(values) == 1 else values for name, values in found.items()}
    return found | {name: value for name, value in instead.items() if name in found}


def test_the_page_names_each_file_that_there_is() -> None:
    assert len(TEXT.splitlines()) <= LONGEST_PAGE
    named = set(re.findall(r"\(\.\./deploy/([\w.-]+)\)", TEXT))
    assert named == {path.name for path in FOLDER.iterdir() if path.is_file()}


def test_the_servers_are_those_of_the_matrix() -> None:
    rows = table("server | tested")
    supported = [f"{vendor} {'.'.join(map(str, version))}" for vendor, version in matrix.SUPPORTED]
    assert [row[0] for row in rows] == supported
    assert all(f"{server}." in f"{server.split()[0]} {tested}" for server, tested, _ in rows)


def test_the_format_is_the_one_that_is_written() -> None:
    stored = (ROOT / "module" / "shim" / "type" / "stored.h").read_text(encoding="utf-8")
    name = re.search(r"SM_VERSION_NEWEST = (\w+)", stored)
    assert name is not None
    assert f"{name[1]} = 3" in stored
    assert "writes format 3" in TEXT


# What the server needs


def test_the_module_links_to_what_the_page_shows() -> None:
    if shutil.which("ldd") is None:
        pytest.skip("no ldd here")
    library = re.compile(r"^\s+(?:\S*/)?(lib\w+|ld-linux)", re.MULTILINE)
    linked = set(library.findall(subprocess.run(["ldd", MODULE], capture_output=True, text=True, check=True).stdout))
    shown = set(library.findall(TEXT[TEXT.index("$ ldd") : TEXT.index("The module itself asks")]))
    assert {"libpython3", "libc", "libm"} <= shown & linked
    assert shown - linked <= {"libz", "libexpat", "ld"}, "libpython's own, of Debian's Python alone"


def test_what_is_packed_is_unpacked_as_the_page_says(tmp_path: Path, start_server: Start) -> None:
    commands = re.findall(r"^    \$ (.*)$", TEXT, re.MULTILINE)
    check, unpack, install, start = commands[1:5]
    assert commands == [f"ldd {PLACE}", check, unpack, install, start, *BY_HAND[1:]]
    assert install == BY_HAND[0]
    dist.write(MODULE.parent, tmp_path)
    (tmp_path / "opt").mkdir()
    for command in (check, unpack.replace("/opt", "opt")):
        run = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
    program, option, pattern = start.split()
    assert (program, option) == ("redis-server", "--loadmodule")
    (module,) = (tmp_path / "opt").glob(pattern.removeprefix("/opt/"))
    assert start_server(module=module).own.execute_command("SM.CREATE", "m") == "OK"


# compose.yaml


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_compose_is_of_one_piece() -> None:
    services = compose()["services"]
    assert list(services) == ["primary", "replica", "worker"]
    for service in services.values():
        assert service["image"] == image.NAMES["redis"]
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in compose()["volumes"] or (FOLDER / source).is_file()


def all_done(server: Server) -> bool:
    """Whether the workers have acknowledged all that there is."""
    (group,) = server.own.xinfo_groups("orders:effects")
    return not group["lag"] and not group["pending"]


def test_what_compose_starts_works_together(tmp_path: Path, start_server: Start) -> None:
    services = compose()["services"]
    assert services["replica"]["command"][-3:] == ["--replicaof", "primary", "6379"]
    primary = start_server(settings=settings(services["primary"]["command"]))
    here = ("127.0.0.1", primary.port)
    replica = start_server(settings=settings(services["replica"]["command"], replicaof=here))
    worker = services["worker"]
    url = worker["environment"]["REDIS_URL"].replace("primary:6379", f"127.0.0.1:{primary.port}")
    for volume in worker["volumes"]:
        source, place, _ = volume.split(":")
        (tmp_path / place.lstrip("/")).parent.mkdir(exist_ok=True)
        shutil.copy(FOLDER / source, tmp_path / place.lstrip("/"))

    primary.own.execute_command("SM.SET", "order:1", first_json("docs/python.md"), "INPUT", '{"total": 30}')
    primary.own.execute_command("SM.SEND", "order:1", "PAY")
    with subprocess.Popen(
        [sys.executable, "-m", *worker["command"]],
        cwd=tmp_path / worker["working_dir"].lstrip("/"),
        env={**os.environ, "PYTHONPATH": str(ROOT / "client"), "PYTHONDONTWRITEBYTECODE": "1", "REDIS_URL": url},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            wait_until(lambda: primary.own.execute_command("SM.STATE", "order:1") == ["paid"], "the worker has charged")
            wait_until(lambda: all_done(primary), "the receipt is printed")
        finally:
            process.terminate()
        printed, _ = process.communicate(timeout=HANG)
    assert (process.returncode, printed) == (0, "receipt R-30\n")
    assert primary.own.execute_command("SM.STATE", "order:1") == ["paid"]
    wait_until(lambda: replica.own.execute_command("SM.STATE", "order:1") == ["paid"], "the replica has the step")


# systemd


def unit(name: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, delimiters="=", comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((FOLDER / name).read_text(encoding="utf-8").replace("\\\n", ""))
    return parser["Service"]


def test_the_servers_unit_starts_a_server(tmp_path: Path, start_server: Start) -> None:
    program, *words = shlex.split(unit("redisstate.service")["ExecStart"])
    assert program == "/usr/bin/redis-server"
    given = settings(words, dir=tmp_path, loadmodule=MODULE)
    assert settings(words)["loadmodule"] == PLACE
    assert settings(words)["dir"] == f"/var/lib/{unit('redisstate.service')['StateDirectory']}"
    server = start_server(module=None, settings=given)
    assert server.own.execute_command("SM.CREATE", "m") == "OK"
    assert server.own.config_get("appendonly") == {"appendonly": "yes"}


def test_the_workers_unit_does_what_compose_does() -> None:
    service, worker = unit("redisstate-worker.service"), compose()["services"]["worker"]
    program, *words = shlex.split(service["ExecStart"])
    assert [Path(program).name, *words] == worker["command"]
    assert service["Environment"].startswith("REDIS_URL=redis://")


def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    units = []
    for path in FOLDER.glob("*.service"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE)
        units.append(tmp_path / path.name)
        units[-1].write_text(text, encoding="utf-8")
    run = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert [line for line in run.stderr.splitlines() if str(tmp_path) in line or "redisstate" in line] == []


# Kubernetes


def pod() -> dict[str, Any]:
    service, found = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text(encoding="utf-8"))
    assert (service["kind"], found["kind"]) == ("Service", "StatefulSet")
    name = service["metadata"]["name"]
    labels = found["spec"]["template"]["metadata"]["labels"]
    assert found["spec"]["serviceName"] == name
    assert service["spec"]["selector"] == found["spec"]["selector"]["matchLabels"] == labels
    template: dict[str, Any] = found["spec"]["template"]["spec"]
    template["volumes"] += [{"name": claim["metadata"]["name"]} for claim in found["spec"]["volumeClaimTemplates"]]
    return template


def test_the_init_container_brings_what_the_server_mounts() -> None:
    found = pod()
    volumes = {volume["name"] for volume in found["volumes"]}
    (init,), (server,) = found["initContainers"], found["containers"]
    assert {mount["name"] for mount in (*init["volumeMounts"], *server["volumeMounts"])} == volumes
    assert init["image"] == image.NAMES["redis"]
    script = init["command"][-1]
    subprocess.run(["sh", "-n", "-c", script], check=True)
    (target,) = (mount["mountPath"] for mount in init["volumeMounts"])
    (copied,) = re.findall(rf"^cp -R (.*) {target}/$", script, re.MULTILINE)
    mounted = {mount["mountPath"]: mount["subPath"] for mount in server["volumeMounts"] if "subPath" in mount}
    assert {path: Path(path).name for path in copied.split()}.items() <= mounted.items()
    assert mounted[server["env"][0]["value"]] == "lib"
    assert f"mkdir -p {target}/lib" in script
    # The Python is that of the image, which is Debian 12's.
    assert image.DEBIAN["redis"] == "bookworm"
    assert "libpython3.11" in script


@pytest.mark.parametrize("number", [0, 1])
def test_the_first_pod_is_the_primary(tmp_path: Path, start_server: Start, number: int) -> None:
    program = tmp_path / "redis-server"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOSTNAME": f"redisstate-{number}"}
    command = pod()["containers"][0]["command"]
    words = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    assert ("--replicaof" in words) == (number == 1)
    primary = start_server()
    given = settings(words, dir=tmp_path, loadmodule=MODULE, replicaof=("127.0.0.1", primary.port))
    assert settings(words)["loadmodule"] == PLACE
    server = start_server(module=None, settings=given)
    assert server.info("replication")["role"] == ("slave" if number else "master")


# How large

SAMPLE = 10_000
FAR = 0.3
"""By how much a build of a server may be away from the page."""
MAP = {"initial": "cart", "map": {"cart": ["placed"], "placed": ["paid"], "paid": ["sent"]}}
STEPS = ("placed", "paid", "sent")
CHART = {
    "id": "order",
    "initial": "cart",
    "states": {
        "cart": {"on": {"PLACE": "placed"}},
        "placed": {"on": {"PAY": "paid", "CANCEL": "cancelled"}},
        "paid": {"on": {"SHIP": "sent"}},
        "cancelled": {"type": "final"},
        "sent": {"type": "final"},
    },
}
LATE = {"initial": "open", "states": {"open": {"after": {"PT15M": "late"}, "on": {"PAY": "late"}}, "late": {}}}


def column(server: Server) -> int:
    """That of the server's vendor, in the page's tables."""
    return 1 if server.vendor == "Redis" else 2


def memory(server: Server, commands: Callable[[str], list[tuple[str, ...]]], keys: int) -> float:
    """Bytes of memory for each of so many keys, made by these commands."""
    client = server.own
    for command in commands("first-of-all:"):  # its definition and steps are there, and not counted
        client.execute_command(*command)
    before = client.info("memory")["used_memory"]
    for first in range(0, keys, 500):
        pipeline = client.pipeline(transaction=False)
        for number in range(first, first + 500):
            for command in commands(f"order:{number:08d}"):
                pipeline.execute_command(*command)
        pipeline.execute()
    return (int(client.info("memory")["used_memory"]) - before) / keys


def machine(document: dict[str, Any], steps: tuple[str, ...] = (), token: bool = False) -> Callable[[str], Any]:
    def commands(key: str) -> list[tuple[str, ...]]:
        tokens = [("ID", f"{key:->32}{number:04d}") if token else () for number in range(len(steps))]
        moves = [("SM.SEND", key, event, *given) for event, given in zip(steps, tokens, strict=True)]
        return [("SM.SET", key, json.dumps(document)), *moves]

    return commands


@pytest.mark.plain
def test_machines_are_as_large_as_the_page_says(server: Server) -> None:
    shown = [float(row[column(server)]) for row in table("what | Redis")]

    def each(commands: Callable[[str], Any]) -> float:
        server.own.execute_command("FLUSHALL", "SYNC")
        server.wait_info(machines=0)
        return memory(server, commands, SAMPLE)

    hashes = each(lambda key: [("HSET", key, "state", "placed", "by", "ann")])
    plain, counting = each(machine(MAP)), each(machine({**MAP, "store": {}}))
    measured = [
        hashes,
        plain,
        counting,
        each(machine(json.loads(first_json("README.md")))),
        (each(machine({**MAP, "store": {"history": 100}}, STEPS)) - counting) / len(STEPS),
        (each(machine({**MAP, "store": {}}, STEPS, token=True)) - counting) / len(STEPS),
        each(machine(LATE)) - counting,
    ]
    for row, one, other in zip(table("what | Redis"), shown, measured, strict=True):
        assert abs(other - one) <= one * FAR + 4, (row[0], measured)
    assert plain < hashes


@pytest.mark.plain
def test_definitions_are_as_large_as_the_page_says(start_server: Start) -> None:
    ring = {f"s{one}": [f"s{(one + 1) % 10}", f"s{(one + 2) % 10}"] for one in range(10)}
    documents = ({"initial": "s0", "map": ring}, CHART, json.loads(first_json("README.md")))
    for row, document in zip(table("a definition"), documents, strict=True):
        server = start_server()  # a definition stays for some seconds after its last machine

        def commands(key: str, of: dict[str, Any] = document) -> list[tuple[str, ...]]:
            return machine({**of, "id": key})(key)

        shown = float(row[column(server)].split()[0]) * 1024
        share = memory(server, machine(document), 500)
        server.own.execute_command("FLUSHALL", "SYNC")
        measured = memory(server, commands, 500) - share
        assert abs(measured - shown) <= shown * FAR, (row[0], measured)
