# Shortcuts for developers. Each target calls a script or a program; nothing is decided here.
# PYTHON= chooses the interpreter that is embedded, REDIS_SERVER= the server, ARGS= adds arguments.
PYTHON =
PORT = 6379
DIR = data
PREFIX = /usr/local
DESTDIR =
ARGS =

MODULE = build/redisstate.so
SOURCES = build.py commands.json pyproject.toml $(shell find module sm_core -type f -not -path '*/__pycache__/*' 2>/dev/null)
VENV = .venv/bin/python
LIBRARY = $(DESTDIR)$(PREFIX)/lib/redisstate

.DEFAULT_GOAL = help
.PHONY: help build run cli demo test test-matrix fuzz durability replication asan valgrind oracle lint bench \
	image image-test dist install clean always
.DELETE_ON_ERROR:

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'

build: $(MODULE)  ## the module, build/redisstate.so, and its bundle of Python files beside it

run: $(MODULE)  ## a server with the module in the foreground; PORT=6379, DIR=data, ARGS= for its settings
	@$(VENV) tools/run_server.py $(MODULE) '$(PORT)' '$(DIR)' $(ARGS)

cli: .venv/stamp  ## a prompt to that server that knows its commands (HELP SM.SEND); PORT=6379
	@$(VENV) tools/open_cli.py '$(PORT)' $(ARGS)

demo: $(MODULE) .venv/dev  ## orders that move, a worker and `redisstate top`, on a server of its own; ARGS="--seconds 60"
	@$(VENV) tools/demo.py $(MODULE) $(ARGS)

test: $(MODULE) .venv/dev  ## every test, on one server; ARGS= for pytest
	$(VENV) tools/servers.py --ensure
	$(VENV) -m pytest -n 2 --dist worksteal $(ARGS)

test-matrix: $(MODULE) .venv/dev  ## every test, on each of the servers that are promised; prints a table
	$(VENV) tools/matrix.py $(ARGS)

fuzz: $(MODULE) .venv/dev  ## hundreds of thousands of payloads and documents that lie; FUZZ_SEED= repeats a run
	$(VENV) tools/servers.py --ensure
	$(VENV) -m pytest -n 2 -rP --long $(if $(FUZZ_SEED),--hypothesis-seed=$(FUZZ_SEED)) tests/hostile tests/limits $(ARGS)

durability: $(MODULE) .venv/dev  ## the long runs: kill -9, forks, a million machines and deadlines
	$(VENV) tools/servers.py --ensure
	$(VENV) -m pytest -n 2 -rP --long tests/persistence tests/threads tests/timers $(ARGS)

replication: $(MODULE) .venv/dev  ## the long runs: 50,000 random commands, primaries killed, slots moved, again and again
	$(VENV) tools/servers.py --ensure
	$(VENV) -m pytest -n 2 -rP --long tests/replication tests/cluster tests/sentinel tests/timers $(ARGS)

asan: $(MODULE) .venv/dev  ## every test with the module built under AddressSanitizer and UBSan
	$(VENV) tools/sanitize.py asan $(ARGS)

valgrind: $(MODULE) .venv/dev  ## some of the tests under valgrind
	$(VENV) tools/sanitize.py valgrind $(ARGS)

oracle: .venv/dev  ## statecharts against the real XState, Mermaid and dot; wants Node, npm and graphviz
	npm ci --prefix tests/core/xstate --no-audit --no-fund
	$(VENV) -m pytest -m oracle $(ARGS)

lint: .venv/dev  ## ruff, mypy, the C compiler's warnings, what may import what, the Dockerfile
	$(VENV) tools/lint.py

bench: $(MODULE) .venv/dev  ## the module against the server's own commands, as ratios; BENCH=quick: in two minutes
	$(VENV) tools/servers.py --ensure
	$(VENV) -m benchmarks $(ARGS)

image: .venv/stamp  ## the Docker image, by Docker or by buildah; ARGS='--server valkey'
	$(VENV) tools/image.py $(ARGS)

image-test: .venv/dev  ## builds both images, starts them and uses them as a user would
	$(VENV) tools/image_test.py $(ARGS)

dist: $(MODULE)  ## packs the module for other machines, with a checksum, in dist/; PYTHON=/usr/bin/python3: for the same Debian
	$(VENV) tools/dist.py $(ARGS)

install: $(MODULE)  ## copies the module and its bundle to PREFIX/lib/redisstate; PREFIX=/usr/local
	install -d '$(LIBRARY)'
	rm -rf '$(LIBRARY)/redisstate'
	cp -R build/redisstate '$(LIBRARY)/'
	install -m 755 $(MODULE) '$(LIBRARY)/'
	@echo 'Load it with:  redis-server --loadmodule $(PREFIX)/lib/redisstate/redisstate.so'

clean:  ## removes what was built and the venv; data stay
	rm -rf build dist .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(MODULE): $(SOURCES) .venv/stamp
	$(VENV) build.py

.venv/stamp: requirements.txt tools/make_venv.sh tools/check_python.py $(if $(PYTHON),$(shell test "$(PYTHON)" = "$$(cat .venv/asked-for 2>/dev/null)" || echo always))
	@tools/make_venv.sh $(PYTHON)

.venv/dev: .venv/stamp requirements-dev.txt
	$(VENV) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

always:
