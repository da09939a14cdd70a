"""What builds images and starts containers: a Docker engine, or buildah where there is none.

Both are driven by their own programs. buildah works as root with its own storage below build/image, so that
nothing else of the machine is touched; its base image is made of Debian's packages by debootstrap and kept there
from run to run.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HANG = 300  # seconds after which a program counts as hung
READ_ONLY = "--read-only"
AS_ROOT = ("--user=0:0", "--cap-add=CAP_SYS_ADMIN")
"""What a program of buildah's needs to mount something in its container."""
Result = subprocess.CompletedProcess[str]


class ImageError(Exception):
    """A requirement is missing, or a program failed; the text says which."""


def call(*command: str, check: bool = True, **options: Any) -> Result:
    """Runs a short command, and returns its output. Raises ImageError when it fails."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANG, **options)
    except subprocess.TimeoutExpired:
        raise ImageError(f"{' '.join(command)} hangs") from None
    if check and run.returncode != 0:
        raise ImageError(f"{' '.join(command)} ended with {run.returncode}: {run.stderr.strip() or run.stdout.strip()}")
    return run


def show(*command: str, **options: Any) -> None:
    """Runs a long command, whose output is shown. Raises ImageError when it fails."""
    print("$", " ".join(command), flush=True)
    code = subprocess.run(command, check=False, **options).returncode
    if code != 0:
        raise ImageError(f"{' '.join(command)} ended with {code}")


def build_options(image: str, arguments: dict[str, str], labels: dict[str, str]) -> list[str]:
    """What ``docker build`` and ``buildah bud`` share. $PIP_CERT: certificates that pip wants here, and so in there."""
    options = ["--tag", image]
    options += [f"--build-arg={name}={value}" for name, value in arguments.items()]
    options += [f"--label={name}={value}" for name, value in labels.items()]
    certificates = os.environ.get("PIP_CERT")
    return [*options, f"--secret=id=certificates,src={certificates}"] if certificates else options


class Docker:
    """The engine that the docker program talks to."""

    name = "docker"

    @staticmethod
    def lacks() -> str | None:
        """Why it cannot be used, or None."""
        if shutil.which("docker") is None:
            return "docker is missing"
        if call("docker", "version", check=False).returncode != 0:
            return "docker is here, but no engine answers"
        return None

    def build(self, image: str, arguments: dict[str, str], labels: dict[str, str]) -> None:
        show("docker", "build", *build_options(image, arguments, labels), str(ROOT))

    def size(self, image: str) -> int:
        """Bytes of the image, unpacked."""
        return int(call("docker", "image", "inspect", "--format", "{{.Size}}", image).stdout)

    def config(self, image: str) -> dict[str, Any]:
        """The image's configuration: User, Entrypoint, ExposedPorts, Volumes, Labels, Healthcheck …"""
        found: dict[str, Any] = json.loads(
            call("docker", "image", "inspect", "--format", "{{json .Config}}", image).stdout
        )
        return found

    def archive(self, image: str, path: Path) -> None:
        """Writes the image to a file that ``docker load`` takes."""
        show("docker", "save", "--output", str(path), image)

    def remove(self, image: str) -> None:
        call("docker", "image", "rm", image)

    def new_volume(self) -> str:
        return call("docker", "volume", "create").stdout.strip()

    def remove_volume(self, volume: str) -> None:
        call("docker", "volume", "rm", volume)

    def start(
        self, image: str, *arguments: str, volume: str, port: int = 6379, options: Sequence[str] = ()
    ) -> DockerContainer:
        """``docker run -d`` with the volume at /data and the port published on the loopback address.

        ``options``: further ones, of those that ``docker run`` and ``buildah run`` share (--user, --env); --read-only.
        """
        command = ["docker", "run", "-d", "--publish", f"127.0.0.1::{port}", "--volume", f"{volume}:/data"]
        return DockerContainer(call(*command, *options, image, *arguments).stdout.strip(), port)

    def once(self, image: str, *arguments: str) -> Result:
        """``docker run --rm``: a container that ends by itself, with its output and exit code."""
        return call("docker", "run", "--rm", image, *arguments, check=False)

    def close(self) -> None:
        """There is nothing to remove but the image and the engine's cache, which are kept."""


class DockerContainer:
    """One container of the Docker engine."""

    def __init__(self, identifier: str, port: int) -> None:
        self.identifier = identifier
        self.port = port

    def address(self) -> tuple[str, int]:
        """Host and port that reach the container's port."""
        host, _, port = call("docker", "port", self.identifier, f"{self.port}/tcp").stdout.split()[0].rpartition(":")
        return host, int(port)

    def run(self, *command: str, text: str = "") -> Result:
        """Runs a program in the server's container, with ``text`` as its input."""
        return call("docker", "exec", "-i", self.identifier, *command, check=False, input=text)

    def running(self) -> bool:
        return call("docker", "inspect", "--format", "{{.State.Running}}", self.identifier).stdout.strip() == "true"

    def terminate(self) -> None:
        """SIGTERM to the container's first process, as ``docker stop`` sends it."""
        call("docker", "kill", "--signal", "TERM", self.identifier)

    def log(self) -> str:
        logged = call("docker", "logs", self.identifier)
        return logged.stdout + logged.stderr

    def remove(self) -> None:
        call("docker", "rm", "--force", "--volumes", self.identifier)


class Buildah:
    """buildah without an engine: chroot isolation, plain copies as layers, all of it below ``folder``."""

    name = "buildah"
    outside = "198.51.100.1"  # an address of documentation (RFC 5737): here, of the private network's loopback device

    def __init__(self, folder: Path = ROOT / "build" / "image") -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True, exist_ok=True)
        self.lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImageError(f"another run is working in {folder}") from None
        settings = folder / "storage.conf"
        settings.write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{folder / "storage"}"\nrunroot = "{folder / "run"}"\n'
        )
        self.environment = {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(settings),
            "BUILDAH_ISOLATION": "chroot",
            "TMPDIR": str(self.temporary),
        }
        self.idle: dict[str, str] = {}
        self.private_network = False

    @staticmethod
    def lacks() -> str | None:
        """Why it cannot be used, or None."""
        programs = {"buildah": "buildah", "debootstrap": "debootstrap", "ip": "iproute2"}
        missing = [package for program, package in programs.items() if shutil.which(program) is None]
        if missing:
            return f"without Docker it takes the Debian/Ubuntu packages {', '.join(missing)}"
        return None if os.geteuid() == 0 else "without Docker it takes root"

    def call(self, *arguments: str, check: bool = True, **options: Any) -> Result:
        return call("buildah", *arguments, check=check, env=self.environment, **options)

    def build(self, image: str, arguments: dict[str, str], labels: dict[str, str]) -> None:
        base = f"debian:{arguments['DEBIAN']}-slim"
        if self.call("inspect", "--type", "image", base, check=False).returncode != 0:
            self.make_base(base)
        # OCI's own format has no health check.
        options = ["--pull-never", "--format=docker", *build_options(image, arguments, labels)]
        show("buildah", "bud", *options, str(ROOT), env=self.environment)

    def make_base(self, base: str) -> None:
        """Builds the equivalent of Debian's image of this name from Debian's packages.

        $DEBIAN_MIRROR: another mirror than debootstrap's, with security updates at …/debian-security.
        """
        suite = base.partition(":")[2].removesuffix("-slim")
        container = self.new_container("scratch")
        try:
            root = Path(self.call("mount", container).stdout.strip())
            mirror = [os.environ["DEBIAN_MIRROR"]] if os.environ.get("DEBIAN_MIRROR") else []
            show("debootstrap", "--variant=minbase", suite, str(root), *mirror, stdout=subprocess.DEVNULL)
            prepare_base(root, suite)
            upgrade = "apt-get update -qq && apt-get upgrade -qq && apt-get clean && rm -rf /var/lib/apt/lists/*"
            show("buildah", "run", container, "sh", "-c", upgrade, env=self.environment, stdout=subprocess.DEVNULL)
            self.call("umount", container)
            self.call("commit", "--quiet", container, base)
        finally:
            self.call("rm", container)

    def size(self, image: str) -> int:
        """Bytes of the image, unpacked."""
        root = self.call("mount", self.idle_container(image)).stdout.strip()
        return int(call("du", "--summarize", "--bytes", "--one-file-system", root).stdout.split()[0])

    def config(self, image: str) -> dict[str, Any]:
        """The image's configuration: User, Entrypoint, ExposedPorts, Volumes, Labels, Healthcheck …"""
        found: dict[str, Any] = json.loads(self.call("inspect", "--type", "image", image).stdout)["Docker"]["config"]
        return found

    def archive(self, image: str, path: Path) -> None:
        """Writes the image to a file that ``docker load`` takes."""
        path.unlink(missing_ok=True)
        # By its id: the archive would contain the local name.
        number = self.call("images", "--quiet", "--no-trunc", image).stdout.strip()
        tagged = image if ":" in image else f"{image}:latest"
        show("buildah", "push", "--quiet", number, f"docker-archive:{path}:{tagged}", env=self.environment)

    def remove(self, image: str) -> None:
        if image in self.idle:
            self.call("rm", self.idle.pop(image))
        self.call("rmi", image)

    def new_container(self, image: str) -> str:
        """A container, which is a copy of the whole image."""
        return self.call("from", "--pull-never", image).stdout.strip()

    def idle_container(self, image: str) -> str:
        """A container for commands that change nothing; always the same one."""
        if image not in self.idle:
            self.idle[image] = self.new_container(image)
        return self.idle[image]

    def new_volume(self) -> str:
        return tempfile.mkdtemp(prefix="volume-", dir=self.temporary)

    def remove_volume(self, volume: str) -> None:
        shutil.rmtree(volume)

    def start(
        self, image: str, *arguments: str, volume: str, port: int = 6379, options: Sequence[str] = ()
    ) -> BuildahContainer:
        """The image's entrypoint in a new container with the volume at /data, in a network of this process's own.

        ``options``: further ones, of those that ``docker run`` and ``buildah run`` share (--user, --env); --read-only.
        """
        self.enter_private_network()
        container = self.new_container(image)
        root = Path(self.call("mount", container).stdout.strip())
        data = (root / "data").stat()
        if not any(Path(volume).iterdir()):  # as an engine does with a volume that is new
            os.chown(volume, data.st_uid, data.st_gid)
            Path(volume).chmod(data.st_mode)
        # Else the image's volume is mounted over this one.
        self.call("config", "--volume", "/data-", container)
        entry = self.entry(image, arguments)
        shared = [f"--volume={volume}:/data", *(option for option in options if option != READ_ONLY)]
        if READ_ONLY in options:
            return BuildahContainer(self, container, shared, self.read_only(image, entry), port, AS_ROOT)
        return BuildahContainer(self, container, shared, entry, port)

    def read_only(self, image: str, command: Sequence[str]) -> list[str]:
        """A command for root that makes the container's root read-only, which ``buildah run`` has no option for, and
        goes on as the image's user."""
        user, _, group = self.config(image)["User"].partition(":")
        drop = f"setpriv --reuid={user} --regid={group} --clear-groups --bounding-set=-all --inh-caps=-all"
        return ["sh", "-c", f'mount -o remount,bind,ro / && exec {drop} "$@"', "sh", *command]

    def once(self, image: str, *arguments: str) -> Result:
        """A container that ends by itself, with its output and exit code."""
        return self.run(self.idle_container(image), [], self.entry(image, arguments))

    def run(self, container: str, options: Sequence[str], command: Sequence[str], text: str = "") -> Result:
        """Runs a program in a container, with ``text`` as its input, and waits for its end."""
        with self.output_folder() as folder:
            run = call(
                *self.run_command(container, options, command, folder), check=False, env=self.environment, input=text
            )
            output, errors = ((folder / name).read_text(errors="replace") for name in ("stdout", "stderr"))
            return Result(run.args, run.returncode, output, errors + run.stderr)

    @contextlib.contextmanager
    def output_folder(self) -> Iterator[Path]:
        """A folder that every user of a container may write to."""
        with tempfile.TemporaryDirectory(prefix="output-", dir=self.temporary) as name:
            folder = Path(name)
            folder.chmod(0o777)
            for stream in ("stdout", "stderr"):
                (folder / stream).touch()
                (folder / stream).chmod(0o666)
            yield folder

    def run_command(self, container: str, options: Sequence[str], command: Sequence[str], folder: Path) -> list[str]:
        """``buildah run`` of a program that writes its output to ``folder`` itself.

        buildah forwards output, and exits with the program: output that it has not forwarded by then is lost.
        """
        redirect = ["sh", "-c", 'exec "$@" >/mnt/stdout 2>/mnt/stderr', "sh"]
        return ["buildah", "run", f"--volume={folder}:/mnt", *options, container, "--", *redirect, *command]

    def entry(self, image: str, arguments: Sequence[str]) -> list[str]:
        """The command that an engine would start: ``buildah run`` ignores the image's entrypoint."""
        config = self.config(image)
        return [*config["Entrypoint"], *(arguments or config.get("Cmd") or [])]

    def enter_private_network(self) -> None:
        """Moves this process to a new network namespace for good, since chroot isolation has none: the image's port may
        be in use on the machine, and a server without a password must not be reachable."""
        if self.private_network:
            return
        clone_newnet = 0x40000000
        if ctypes.CDLL(None, use_errno=True).unshare(clone_newnet) != 0:
            raise ImageError(f"no private network: {os.strerror(ctypes.get_errno())}")
        self.private_network = True
        call("ip", "link", "set", "lo", "up")
        call("ip", "address", "add", f"{self.outside}/32", "dev", "lo")

    def close(self) -> None:
        """Removes containers that a failure has left; the images are kept."""
        self.call("rm", "--all")
        self.lock.close()


class BuildahContainer:
    """One container of buildah, and the process that runs in it."""

    def __init__(
        self,
        engine: Buildah,
        name: str,
        options: Sequence[str],
        command: Sequence[str],
        port: int,
        first: Sequence[str] = (),
    ) -> None:
        """``options`` are for all programs in the container, ``first`` for the first one alone."""
        self.engine = engine
        self.name = name
        self.options = options
        self.port = port
        self.opened = contextlib.ExitStack()
        self.folder = self.opened.enter_context(engine.output_folder())
        self.process = subprocess.Popen(
            engine.run_command(name, [*options, *first], command, self.folder),
            env=engine.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def address(self) -> tuple[str, int]:
        """Host and port that reach the server, by an address that is not local for it."""
        return self.engine.outside, self.port

    def run(self, *command: str, text: str = "") -> Result:
        """Runs a program in the server's container, with ``text`` as its input."""
        return self.engine.run(self.name, self.options, command, text)

    def running(self) -> bool:
        return self.process.poll() is None

    def terminate(self) -> None:
        """SIGTERM to the container's first process, as ``docker stop`` sends it."""
        os.kill(self.first_process(), signal.SIGTERM)

    def first_process(self) -> int:
        """The process id of the program, which is started by two processes of buildah."""
        process = self.process.pid
        for _ in range(3):
            # Each of buildah's threads has children of its own.
            threads = Path(f"/proc/{process}/task").glob("*/children")
            process = next(int(child) for thread in threads for child in thread.read_text().split())
        return process

    def log(self) -> str:
        return "".join((self.folder / name).read_text(errors="replace") for name in ("stdout", "stderr"))

    def remove(self) -> None:
        if self.running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(HANG)
        self.engine.call("rm", self.name)
        self.opened.close()


def prepare_base(root: Path, suite: str) -> None:
    """What Debian's slim image has and a debootstrap folder lacks: security updates, no services, no documentation."""
    root.chmod(0o755)
    sources = root / "etc/apt/sources.list"
    mirror = sources.read_text().split()[1].rstrip("/")
    sources.write_text(
        f"deb {mirror} {suite} main\ndeb {mirror} {suite}-updates main\ndeb {mirror}-security {suite}-security main\n"
    )
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    unwanted = ["doc", "info", "linda", "lintian", "locale", "man", "groff"]
    rules = [f"path-exclude /usr/share/{name}/*" for name in unwanted]
    rules += ["path-include /usr/share/doc/*/copyright", "path-include /usr/share/locale/locale.alias"]
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text("\n".join(rules) + "\n")
    for name in unwanted:
        for path in (root / "usr/share" / name).rglob("*"):
            if not path.is_dir() and path.name not in ("copyright", "locale.alias"):
                path.unlink()
    (root / "etc/apt/apt.conf.d/slim").write_text(
        'APT::Keep-Downloaded-Packages "false";\n'
        'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
        'Acquire::Languages "none";\n'
    )
    for name in ("hostname", "resolv.conf"):
        (root / "etc" / name).write_text("")


Engine = Docker | Buildah
Container = DockerContainer | BuildahContainer


def choose(wanted: str | None = None) -> Engine:
    """The engine of this name, or Docker where an engine answers, else buildah. Raises ImageError with all reasons."""
    reasons = []
    for engine in (Docker, Buildah):
        if wanted in (None, engine.name):
            reason = engine.lacks()
            if reason is None:
                return engine()
            reasons.append(reason)
    raise ImageError("; ".join(reasons))
