"""``make image-test``: builds the images for real, starts them, uses them as a user would, and removes them again.

    python tools/image_test.py [--server redis|valkey] [--engine docker|buildah] [--image NAME]

Without --server both, one after the other. --image takes an image of that server that is built already, and leaves it.
Needs redis-py and PyYAML, as the tests do. Where no Docker engine answers it needs root, buildah, debootstrap and
iproute2. Ends with 1 when a check fails or something is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import image_engines
from tools.image import NAMES, build, labels
from tools.image_engines import HANG, READ_ONLY, Container, Engine, ImageError, choose

PLACE = "/usr/local/lib/redisstate"
EMPTY = '{"current":"","map":{},"initial":"foo"}'
EMPTY_GET = '{"current":"foo","map":{},"initial":"foo"}'
MACHINE = '{"current":"","map":{"bar": ["blee","boo"], "boo": ["blee"]},"initial":"bar"}'
MACHINE_GET = '{"current":"blee","map":{"bar":["blee","boo"],"boo":["blee"]},"initial":"bar"}'
VERSIONS = {"redis": "Redis server v=7.0.", "valkey": "Valkey server v=8.1."}
"""What ``--version`` says in the image of each server."""
USUAL_SETTINGS = {
    "save": "3600 1 300 100 60 10000",
    "appendonly": "no",
    "dir": "/data",
    "port": "6379",
    "bind": "* -::*",
    "protected-mode": "no",
    "redisstate.invalid-transition": "nil",
}
UNWANTED_PROGRAMS = ("gcc", "cc", "g++", "c++", "cpp", "clang", "tcc", "as", "ld", "make", "pip3", "pip")
UNWANTED_FILES = ("cc1", "Python.h", "*.a", "*.o", "*.c", "*.deb", "*_Packages*", "*_InRelease")
# A compiled file notes the date and the size of its source, or, where its first word is not 0, the source's digest.
# Prints how many there are and each that notes another date or size.
STALE_BYTECODE = r"""
compiled=$(find /usr/lib/python3.* /usr/local/lib/python3.* "$1" -name '*.pyc')
echo "$compiled" | wc -l
for file in $compiled; do
    source=$(echo "$file" | sed 's,__pycache__/\(.*\)\.cpython-[0-9]*\.pyc,\1.py,')
    set -- $(od -A n -t u4 -j 4 -N 12 "$file")
    [ "$1" != 0 ] || [ "$2 $3" = "$(stat -L -c '%Y %s' "$source")" ] || echo "$file"
done
"""


class Checks:
    """Prints and counts the checks. A failed check does not stop the test."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def equal(self, what: str, seen: object, wanted: object) -> None:
        self.true(what, seen == wanted, f"{seen!r}, not {wanted!r}")

    def true(self, what: str, holds: object, seen: object) -> None:
        """``seen`` is what a failure shows."""
        if holds:
            self.passed += 1
            print(f"  ok     {what}", flush=True)
        else:
            self.failed += 1
            print(f"  wrong  {what}: {seen}", flush=True)


class Image:
    """A built image of this server, with the operations of the tests."""

    def __init__(self, engine: Engine, name: str, server: str) -> None:
        self.engine = engine
        self.name = name
        self.program = f"{server}-server"
        self.client = f"{server}-cli"
        self.user = server
        self.version = VERSIONS[server]

    def shell(self, script: str, *arguments: str) -> str:
        """What a shell in a new container prints. Raises ImageError when it fails."""
        run = self.engine.once(self.name, "sh", "-c", script, "sh", *arguments)
        if run.returncode != 0:
            raise ImageError(f"a shell in the image ended with {run.returncode}: {run.stderr}")
        return run.stdout

    @contextlib.contextmanager
    def volume(self) -> Iterator[str]:
        """A new volume, removed at the end."""
        volume = self.engine.new_volume()
        try:
            yield volume
        finally:
            self.engine.remove_volume(volume)

    @contextlib.contextmanager
    def server(self, *arguments: str, password: str | None = None, **options: Any) -> Iterator[tuple[Container, Any]]:
        """A container that runs a server, and a client that reaches it from outside. SHUTDOWN ends what still runs."""
        container = self.engine.start(self.name, *arguments, **options)
        host, port = container.address()
        client = redis.Redis(host, port, password=password, decode_responses=True, socket_timeout=HANG)
        try:
            wait_until(lambda: not container.running() or answers(client), "the server answers")
            yield container, client
            if container.running():
                shut_down(container, client)
        except (ImageError, redis.RedisError):
            print(container.log(), file=sys.stderr)
            raise
        finally:
            client.close()
            container.remove()


def answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.ResponseError):  # not there yet, loading, refused
        return False


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Raises ImageError if it is not true within HANG seconds."""
    deadline = time.monotonic() + HANG
    while not true():
        if time.monotonic() > deadline:
            raise ImageError(f"timed out: {what}")
        time.sleep(0.05)


def wait_for_end(container: Container) -> None:
    wait_until(lambda: not container.running(), "the server ends")


def shut_down(container: Container, client: Any, nosave: bool = False) -> None:
    client.shutdown(nosave=nosave)
    wait_for_end(container)


def setting(client: Any, name: str) -> str | None:
    value: str | None = client.config_get(name).get(name)
    return value


# ---- scenarios: what a user does, in this order ----


def inspect_the_image(image: Image, checks: Checks) -> None:
    config = image.engine.config(image.name)
    checks.equal("its user is a number", config["User"], "999:999")
    checks.equal("it exposes port 6379", list(config["ExposedPorts"]), ["6379/tcp"])
    checks.equal("its volume is /data", list(config["Volumes"]), ["/data"])
    seen = {name: config["Labels"].get(name) for name in labels()}
    checks.equal(f"labels are {seen}", seen, labels())
    checks.true("no label is empty", all(config["Labels"].values()), config["Labels"])
    seen = image.shell('for program; do command -v "$program"; done; true', *UNWANTED_PROGRAMS)
    checks.equal("it holds no compiler and no pip", seen, "")
    names = " -o ".join(f"-name '{name}'" for name in UNWANTED_FILES)
    seen = image.shell(f"find / -xdev -path /proc -prune -o -type f '(' {names} ')' -print 2>/dev/null; true")
    checks.equal("it holds no headers, objects, sources in C, packages and lists of packages", seen, "")
    seen = image.shell('find "$1" ! -user root -o -perm /022', PLACE)
    checks.equal("only root could change the module", seen, "")
    count, *stale = image.shell(STALE_BYTECODE, PLACE).split()
    checks.true(f"its {count} compiled files of Python fit their sources", not stale and int(count) > 20, stale)


def play_the_example(image: Image, checks: Checks) -> None:
    with image.volume() as volume:
        with image.server(volume=volume) as (container, r):
            for name, value in USUAL_SETTINGS.items():
                checks.equal(f"{name} is {value!r}", setting(r, name), value)
            seen = container.run("whoami").stdout
            checks.equal(f"a program in the container runs as {image.user}", seen, f"{image.user}\n")
            status = container.run("cat", f"/proc/{r.info('server')['process_id']}/status").stdout
            users = next((line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")), [])
            checks.true(f"the server's user ids are {users}", users and "0" not in users, status)
            play_by_redis_cli(image, container, checks)
            play_by_redis_py(r, checks)
            play_by_redisstate(container, checks)
            checks.equal("the health check", health(image, container), (0, "PONG\n"))
            for line in container.log().splitlines():
                if "redisstate" in line:
                    print(f"  log    {line}")
            protect(container, r, checks)
            shut_down(container, r)
        with image.server(volume=volume) as (container, r):
            checks.equal("after SHUTDOWN, SM.GET sent", r.execute_command("SM.GET", "sent"), MACHINE_GET)
            r.execute_command("SM.SET", "later", MACHINE)
            container.terminate()
            wait_for_end(container)
        with image.server(volume=volume) as (_, r):
            checks.equal("after SIGTERM, SM.STATE later", r.execute_command("SM.STATE", "later"), ["bar"])


def protect(container: Container, r: Any, checks: Checks) -> None:
    """Checks that the client is not local for the server: protected-mode refuses it."""
    host, port = container.address()
    before = r.info("stats")["rejected_connections"]
    for mode, accepted in (("yes", False), ("no", True)):
        r.config_set("protected-mode", mode)
        with redis.Redis(host, port, socket_timeout=HANG) as newcomer:
            what = "accepted" if accepted else "refused"
            checks.equal(f"protected-mode {mode}: a new client is {what}", answers(newcomer), accepted)
    checks.true("it was the server that refused", r.info("stats")["rejected_connections"] > before, before)


def health(image: Image, container: Container) -> tuple[int, str]:
    """How the image's health check ends in this container, and what it prints."""
    _, *command = image.engine.config(image.name)["Healthcheck"]["Test"]
    run = container.run(*command)
    return run.returncode, run.stdout


def play_by_redis_cli(image: Image, container: Container, checks: Checks) -> None:
    """The example in the image's own redis-cli or valkey-cli, each line as it would be typed."""
    for line, answer in (
        (f"SM.SET mymachine '{EMPTY}'", "OK"),
        ("SM.GET mymachine", '"' + EMPTY_GET.replace('"', '\\"') + '"'),
        (f"SM.SET typed '{MACHINE}'", "OK"),
        ("SM.MUTATE typed notastate", "(nil)"),
        ("SM.MUTATE typed blee", "OK"),
        ("SM.GET typed", '"' + MACHINE_GET.replace('"', '\\"') + '"'),
    ):
        run = container.run(image.client, "--no-raw", text=line + "\n")
        checks.true(f"{image.client}> {line}", run.stdout.strip() == answer, run)


def play_by_redis_py(r: Any, checks: Checks) -> None:
    """The example from outside the container."""
    for words, reply in (
        (("SM.SET", "mymachine", EMPTY), "OK"),
        (("SM.GET", "mymachine"), EMPTY_GET),
        (("SM.SET", "sent", MACHINE), "OK"),
        (("SM.MUTATE", "sent", "notastate"), None),
        (("SM.MUTATE", "sent", "blee"), "OK"),
        (("SM.GET", "sent"), MACHINE_GET),
    ):
        checks.equal(f"redis-py: {' '.join(words)}", r.execute_command(*words), reply)


def play_by_redisstate(container: Container, checks: Checks) -> None:
    """The command line, in the server's container."""
    for words, given, answer in (
        (("set", "shown", "-"), MACHINE, "bar\n"),
        (("send", "shown", "boo"), "", "boo\n"),
        (("show", "shown"), "", "states    boo\n"),
        (("draw", "shown"), "", "stateDiagram-v2"),
        (("top", "--once"), "", "machine"),
    ):
        run = container.run("redisstate", *words, text=given)
        checks.true(f"$ redisstate {' '.join(words)}", answer in run.stdout and run.returncode == 0, run)


def add_settings(image: Image, checks: Checks) -> None:
    with image.volume() as volume:
        flags = ("--appendonly", "yes", "--redisstate.invalid-transition", "error")
        with image.server(*flags, volume=volume) as (container, r):
            checks.equal(f"{' '.join(flags)}: appendonly", setting(r, "appendonly"), "yes")
            r.execute_command("SM.SET", "m", MACHINE)
            try:
                seen = r.execute_command("SM.MUTATE", "m", "notastate")
            except redis.ResponseError as error:
                seen = str(error)
            # redis-py takes ERR away.
            checks.equal("SM.MUTATE m notastate", seen, "invalid state transition: 'bar' to 'notastate'")
            r.execute_command("SM.MUTATE", "m", "blee")
            shut_down(container, r, nosave=True)
        with image.server(*flags, volume=volume) as (_, r):
            checks.equal("after SHUTDOWN NOSAVE, from the AOF", r.execute_command("SM.GET", "m"), MACHINE_GET)
    with image.volume() as volume:
        # By its other name, too.
        command = ("redis-server", "--port", "7000", "--protected-mode", "yes", "--requirepass", "secret")
        what = " ".join(command)
        for known in (("REDISCLI_PORT=7000", "REDISCLI_AUTH=secret"), ("REDISCLI_PORT=7000",)):
            options = [f"--env={variable}" for variable in known]
            started = image.server(*command, password="secret", volume=volume, port=7000, options=options)
            with started as (container, r):
                checks.equal(f"{what}: protected-mode", setting(r, "protected-mode"), "yes")
                checks.equal(f"{what}: SM.CREATE", r.execute_command("SM.CREATE", "m"), "OK")
                status, said = health(image, container)
                checks.equal(f"{what}: healthy with {', '.join(known)}: {said.strip()}", status == 0, len(known) == 2)


def use_a_configuration_file(image: Image, checks: Checks) -> None:
    lines = "bind *\nport 7000\nprotected-mode no\nredisstate.max-states 7\nmaxmemory 50mb\n"
    with image.volume() as volume:
        with image.server(volume=volume) as (container, r):
            run = container.run("sh", "-c", "cat >/data/redis.conf", text=lines)
            checks.equal("the volume can be written to by its user", run.returncode, 0)
        command = (image.program, "/data/redis.conf", "--maxmemory", "60mb")
        with image.server(*command, volume=volume, port=7000) as (container, r):
            checks.equal(f"{' '.join(command)}: max-states", setting(r, "redisstate.max-states"), "7")
            checks.equal("a flag is stronger than the file", setting(r, "maxmemory"), str(60 * 2**20))
            r.config_set("maxmemory", "70mb")
            checks.true("CONFIG REWRITE", r.config_rewrite(), "refused")
        # The file now names the module itself.
        with image.server("/data/redis.conf", volume=volume, port=7000) as (container, r):
            checks.equal("the rewritten file: maxmemory", setting(r, "maxmemory"), str(70 * 2**20))
            checks.equal("the rewritten file: SM.SET", r.execute_command("SM.SET", "m", MACHINE), "OK")


def run_as_another_user(image: Image, checks: Checks) -> None:
    options = ("--user", "12345:12345", "--env", "PYTHONHOME=/nonexistent", "--env", "PYTHONPATH=/nonexistent")
    with image.volume() as volume, image.server("--save", "", volume=volume, options=options) as (container, r):
        checks.equal("another user, an odd environment: who", container.run("id", "-u").stdout, "12345\n")
        checks.equal("another user, an odd environment: SM.SET", r.execute_command("SM.SET", "m", MACHINE), "OK")


def run_read_only(image: Image, checks: Checks) -> None:
    """The image's own files cannot be written to, /tmp neither; the volume can."""
    with image.volume() as volume:
        with image.server("--appendonly", "yes", volume=volume, options=[READ_ONLY]) as (_, r):
            checks.equal("read-only: SM.SET", r.execute_command("SM.SET", "m", MACHINE), "OK")
            checks.true("read-only: SAVE", r.save(), "refused")
            checks.true("read-only: BGREWRITEAOF", r.bgrewriteaof(), "refused")
            wait_until(lambda: not r.info("persistence")["aof_rewrite_in_progress"], "the log is rewritten")
            checks.equal("read-only: its status", r.info("persistence")["aof_last_bgrewrite_status"], "ok")
        with image.server("--appendonly", "yes", volume=volume, options=[READ_ONLY]) as (_, r):
            checks.equal("read-only, again: SM.STATE", r.execute_command("SM.STATE", "m"), ["bar"])


def bring_the_module_elsewhere(image: Image, checks: Checks) -> None:
    """What the init container of deploy/kubernetes.yaml does, in the image that it is for."""
    if image.user != "redis":
        return
    _, pods = yaml.safe_load_all((image_engines.ROOT / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8"))
    (init,) = pods["spec"]["template"]["spec"]["initContainers"]
    *shell, script = init["command"]
    place = init["volumeMounts"][0]["mountPath"]
    with image.volume() as volume, image.server("--save", "", volume=volume) as (container, _):
        run = container.run(*shell, f"mkdir /data{place}\n" + script.replace(place, f"/data{place}"))
        checks.equal("the init container's script", (run.returncode, run.stderr), (0, ""))
        seen = container.run("sh", "-c", 'cd "$0" && ls redisstate/redisstate.so python3.11/os.py lib', f"/data{place}")
        wanted = ("redisstate.so", "os.py", "libpython3.11.so.1.0", "libffi.so.8", "libexpat.so.1", "libz.so.1")
        checks.true("it brings module, Python and libraries", all(name in seen.stdout for name in wanted), seen)


def run_another_program(image: Image, checks: Checks) -> None:
    for command, start in (
        (("redis-server", "--version"), image.version),
        (("valkey-server", "--version"), image.version),
        (("--version",), image.version),
        ((image.client, "--version"), f"{image.client} "),
        (("redisstate", "--version"), f"redisstate {labels()['org.opencontainers.image.version']}\n"),
        (("sh", "-c", "echo $0 $*", "a", "b c"), "a b c\n"),
    ):
        run = image.engine.once(image.name, *command)
        what = f"{' '.join(command)}: {run.stdout.strip()}"
        checks.true(what, run.stdout.startswith(start) and run.returncode == 0, run)
    run = image.engine.once(image.name, "--no-such-setting", "1")
    checks.true("--no-such-setting 1 is refused", "no-such-setting" in run.stdout + run.stderr and run.returncode, run)


SCENARIOS = (
    inspect_the_image,
    play_the_example,
    add_settings,
    use_a_configuration_file,
    run_as_another_user,
    run_read_only,
    bring_the_module_elsewhere,
    run_another_program,
)


def test(image: Image, checks: Checks) -> None:
    """All scenarios, in order. Raises ImageError when one cannot go on."""
    for scenario in SCENARIOS:
        print(scenario.__name__.replace("_", " "))
        scenario(image, checks)


def build_and_test(engine: Engine, server: str, name: str, checks: Checks) -> None:
    """The same with an image that is built for it, and removed."""
    build(engine, server, name)
    try:
        test(Image(engine, name, server), checks)
    finally:
        engine.remove(name)


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds the Docker images and uses them.")
    parser.add_argument("--server", choices=NAMES, help="default: each, one after the other")
    parser.add_argument("--engine", choices=("docker", "buildah"), help="default: what is here, in this order")
    parser.add_argument("--image", help="an image that is built already; --server says of which server, redis if not")
    options = parser.parse_args()
    # SIGTERM cleans up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    started, checks = time.monotonic(), Checks()
    try:
        with contextlib.closing(choose(options.engine)) as engine:
            if options.image is not None:
                test(Image(engine, options.image, options.server or "redis"), checks)
            else:
                for server in [options.server] if options.server else NAMES:
                    build_and_test(engine, server, f"redis-state-machine-test-{server}", checks)
    except (ImageError, redis.RedisError) as error:
        print(f"image-test: {error}", file=sys.stderr)
        return 1
    print(f"image-test: {engine.name}, {time.monotonic() - started:.0f} s")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
