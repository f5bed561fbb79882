# mtflight: `make run` builds and serves testdata, `make test` checks everything that needs only this clone.
# Stamps of what is already done live in .make/, Python environments in .venv and .venv-*.

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := build

VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
SHARED      ?= ../shared
IMAGE       ?= mtflight:dev
LISTEN      ?= grpc://127.0.0.1:8815
HTTP        ?= $(shell (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null && echo 127.0.0.1:0 || echo 127.0.0.1:8080)
PY          := .venv/bin/python
PREFIX      ?= /usr/local
TORCH_PYTHON ?= /usr/bin/python3

# Packages that start no goroutine gain nothing from the race detector and are slow under it.
PURE := /convert(/|$$)|/reader/where|/reader/internal/(filter|chunkindex|h5file|attrs|gheap|meta|ptindex)

GO_SOURCES := $(shell find cmd convert flight internal protocol reader -name '*.go' -o -name '*.c' -o -name '*.h' -o -name '*.s' -o -path '*/page/files/*' -type f 2>/dev/null)

# The wheel is for this machine's kind, or for amd64 or arm64 by ARCH=.
ARCH          ?= $(shell go env GOARCH 2>/dev/null)
WHEEL         := .make/wheel/$(ARCH)
WHEEL_VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' examples/python/pyproject.toml 2>/dev/null)
WHEEL_SOURCES := $(shell find examples/python packaging -type f -not -path '*/__pycache__/*' -not -path '*/node_modules/*') README.md LICENSE THIRD_PARTY_LICENSES

.PHONY: run build build-sql install test test-go test-race test-python test-clients test-go-clients test-torch test-xarray test-anndata test-dask test-stores test-sql test-js test-page page page-check test-java test-rust test-notebook test-openapi model mutated kill-test soak fuzz screens typecheck lint fmt bench conform conform-full conform-stores wheel wheel-test wheel-sql deploy-check licenses image image-sql observability man deps venv testdata clean help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build venv ## build, then serve testdata on grpc://127.0.0.1:8815 (LISTEN=), and as a page on http://127.0.0.1:8080 (HTTP=)
	@echo 'A Python that has pyarrow: $(PY)'
	bin/mtflight serve --listen $(LISTEN) --http $(HTTP) testdata

build: bin/mtflight ## bin/mtflight

bin/mtflight: go.mod go.sum $(GO_SOURCES) | .make/deps
	go build -trimpath -ldflags '-X main.version=$(VERSION)' -o $@ ./cmd/mtflight

build-sql: bin/mtflight-sql ## bin/mtflight-sql, the SQL engine (downloads DuckDB, 131 MB)

bin/mtflight-sql: $(wildcard cmd/mtflight-sql/*.go cmd/mtflight-sql/go.*) $(wildcard internal/jail/*) $(wildcard internal/sqlwire/*.go)
	cd cmd/mtflight-sql && go build -trimpath -tags duckdb_arrow -o ../../$@ .

install: build ## bin/mtflight to $(DESTDIR)$(PREFIX)/bin (PREFIX=/usr/local), and units of systemd
	install -D -m 755 bin/mtflight $(DESTDIR)$(PREFIX)/bin/mtflight
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/mtflight LICENSE THIRD_PARTY_LICENSES
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system packaging/systemd/mtflight.service packaging/systemd/mtflight.socket
	sed -i 's|/usr/local|$(PREFIX)|' $(DESTDIR)$(PREFIX)/lib/systemd/system/mtflight.service
	install -D -m 644 packaging/systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/mtflight.conf

wheel: $(WHEEL)/.built ## dist/mtflight-*.whl, the server and its C libraries inside (ARCH=arm64), and dist/any/, the client alone

$(WHEEL)/.built: $(WHEEL)/mtflight $(WHEEL_SOURCES)
	packaging/wheel $(WHEEL) $(ARCH) $(WHEEL_VERSION)
	@touch $@

$(WHEEL)/mtflight: $(WHEEL)/.libraries packaging/binary go.mod go.sum $(GO_SOURCES) examples/python/pyproject.toml
	packaging/binary $(WHEEL) $(ARCH) $(WHEEL_VERSION)

$(WHEEL)/.libraries: packaging/fetch packaging/libraries packaging/sources.txt packaging/requirements.txt
	.ci/venv .venv-wheel packaging/requirements.txt
	packaging/fetch .make/wheel/sources $(ARCH)
	packaging/libraries $(WHEEL) $(ARCH)
	@touch $@

wheel-test: wheel venv ## install the wheels into environments of their own and read with them
	$(PY) -m pytest -q packaging/test_wheel.py packaging/test_arm64.py

wheel-sql: build venv ## dist/mtflight_sql-*.whl, the SQL engine, installed beside bin/mtflight and asked (downloads DuckDB)
	.ci/venv .venv-wheel packaging/requirements.txt
	packaging/sql_wheel .make/wheel/sql
	$(PY) -m pytest -q packaging/test_sql_wheel.py

deploy-check: build ## Dockerfile, systemd units, compose file and Kubernetes manifests, by tools of their own
	.ci/venv .venv-deploy packaging/deploy.txt
	.venv-deploy/bin/python -m pytest -q packaging/test_deploy.py

licenses: ## THIRD_PARTY_LICENSES: what is linked into the binary, and under which licences
	$$(.ci/python) packaging/licenses.py
	$$(.ci/python) packaging/licenses.py --sql

deps: .make/deps ## system libraries, by apt where they are missing

.make/deps: .ci/deps
	.ci/deps
	@mkdir -p .make && touch $@

venv: .venv/.stamp ## the Python environment of the client tests

.venv/.stamp: testdata/requirements.txt .ci/venv | .make/deps
	.ci/venv .venv testdata/requirements.txt

testdata: venv ## write testdata again from its script
	$(PY) testdata/make.py testdata

test: test-race test-go test-python ## everything that needs nothing outside the clone

test-go: .make/deps
	go test $$(go list ./... | grep -E '$(PURE)')
	go test -tags assert ./reader # in full: the race detector sees a sample of its cases

test-go-clients: build ## the Go client beside arrow-go v18's and ADBC's in one program (downloads both)
	cd flight/client/arrow18 && go vet ./... && go test ./...
	cd internal/goclients && go vet ./... && go test ./...

test-race: .make/deps
	go test -race -timeout 20m -tags assert $$(go list ./... | grep -vE '$(PURE)')

test-torch: build venv ## torch's loader and its workers, by a Python that has torch: Debian's python3-torch, or TORCH_PYTHON=
	.ci/torch .venv-torch testdata/torch/requirements.txt $(TORCH_PYTHON)

test-xarray: build ## xarray with engine="mtflight" beside its own engines; MTFLIGHT_CORPUS=DIR for more files
	.ci/venv .venv-xarray testdata/netcdf/requirements.txt
	.venv-xarray/bin/pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e examples/python
	.venv-xarray/bin/python -m pytest -q testdata/netcdf

test-anndata: build ## read_anndata beside anndata, whole and backed; MTFLIGHT_CORPUS=DIR for more files
	.ci/venv .venv-anndata testdata/anndata/requirements.txt
	.venv-anndata/bin/python -m pytest -q testdata/anndata

test-dask: build ## Dask's frames and arrays over three servers; MTFLIGHT_KILLS=50 kills one as often
	.ci/venv .venv-dask testdata/clusters/dask.txt
	.venv-dask/bin/python -m pytest -q -p no:logging testdata/clusters/test_dask.py

test-python: build venv # two at a time, each a file's; the package has to be known to who hands them out, too
	$(PY) -m pytest -q -n 2 --dist loadfile -o pythonpath=examples/python testdata/tests

test-clients: build ## Polars, and the oldest and newest DuckDB (MTFLIGHT_QUERIES=300 draws more)
	for duckdb in oldest newest; do \
		.ci/venv .venv-duckdb-$$duckdb testdata/clients/duckdb-$$duckdb.txt && \
		.venv-duckdb-$$duckdb/bin/python -m pytest -q testdata/tests/test_lazy.py testdata/tests/test_lazy_queries.py || exit 1; \
	done

page: ## what the page has of npm's packages (packaging/page), into flight/internal/page/files
	npm ci --silent --ignore-scripts --prefix packaging/page && node packaging/page/build.mjs && $(MAKE) licenses

page-check: ## that what is committed of that is what is built; needs node and npm
	@if { command -v npm && command -v node; } >/dev/null; then npm ci --silent --ignore-scripts --prefix packaging/page && node packaging/page/build.mjs --check; \
	else echo 'page-check: LEFT OUT, there is no node and npm here'; fi

test-page: build venv ## the page in Chromium; needs node, npm and chromium
	@if { command -v npm && command -v node && command -v chromium; } >/dev/null; then npm ci --silent --ignore-scripts --prefix testdata/page && \
	mkdir -p .make/page && $(PY) testdata/page/make.py .make/page && node --test --test-concurrency=1 testdata/page/*.test.mjs; else echo 'test-page: LEFT OUT, there is no node, npm and chromium here'; fi

test-js: build venv ## the sample in JavaScript beside pyarrow; needs node and npm
	@if { command -v npm && command -v node; } >/dev/null; then npm ci --silent --prefix examples/js && $(PY) -m pytest -q testdata/tests/test_languages.py -k js; \
	else echo 'test-js: LEFT OUT, there is no node and npm here'; fi

test-java: build venv ## the sample in Java beside pyarrow; needs Java 17 and mvn
	@if { command -v mvn && command -v java; } >/dev/null; then mvn -q -B -f examples/java/pom.xml package dependency:build-classpath -Dmdep.outputFile=target/classpath && \
	$(PY) -m pytest -q testdata/tests/test_languages.py testdata/tests/test_logins.py -k java; else echo 'test-java: LEFT OUT, there is no java and mvn here'; fi

test-rust: build venv ## the sample in Rust beside pyarrow; needs cargo 1.88
	@if command -v cargo >/dev/null; then cargo build -q --release --locked --manifest-path examples/rust/Cargo.toml && \
	$(PY) -m pytest -q testdata/tests/test_languages.py testdata/tests/test_logins.py -k rust; else echo 'test-rust: LEFT OUT, there is no cargo here'; fi

test-stores: build ## S3 as moto has it, with signatures: files, credentials, objects that change; 5,000 reads and requests under drawn faults
	.ci/venv .venv-stores testdata/stores/requirements.txt
	.venv-stores/bin/python -m pytest -q testdata/stores
	MTFLIGHT_FAULTS=5000 go test -timeout 0 -run 'TestDrawnFaults|TestStoredFaults' -v ./internal/objectstore ./reader

conform-stores: build ## the sample of the conformance run with the corpus in moto's S3, some 20 minutes
	.ci/venv .venv-stores testdata/stores/requirements.txt
	.venv-stores/bin/python testdata/stores/bucket.py $(SHARED)/corpus env CONFORM_ROOT=s3://data .ci/conform sample

test-sql: build build-sql ## SQL by ADBC, beside NumPy and DuckDB over the same rows
	.ci/venv .venv-sql testdata/sql/requirements.txt
	.venv-sql/bin/python -m pytest -q testdata/sql

test-openapi: build ## the description of answers by HTTP, by openapi-spec-validator and schemathesis
	.ci/venv .venv-openapi testdata/openapi/requirements.txt
	.venv-openapi/bin/python -m pytest -q testdata/openapi

test-notebook: build ## examples/python/first_look.ipynb, executed
	.ci/venv .venv-notebook testdata/notebook/requirements.txt
	.venv-notebook/bin/python -m pytest -q testdata/notebook

screens: build ## the pictures of docs/screens; needs Chromium
	.ci/venv .venv-notebook testdata/notebook/requirements.txt
	.venv-notebook/bin/python docs/screens/make.py && .venv-notebook/bin/python docs/screens/notebook.py
	npm ci --silent --ignore-scripts --prefix testdata/page && node docs/screens/page.mjs

CASES    ?= 20000
FUZZTIME ?= 5m

model: .make/deps ## CASES=20000 requests under faults beside the plain answer; a seed of each that fails is told
	MTFLIGHT_MODEL=$(CASES) go test -tags assert -timeout 0 -run 'TestModel$$' -v ./reader

mutated: build venv ## 5,000 damaged files, asked in every way
	MTFLIGHT_MUTATED=5000 $(PY) -m pytest -q testdata/tests/test_mutated.py

SOAK ?= 7200

soak: build venv ## SOAK=7200 seconds of mixed load with faults: memory, descriptors, goroutines and helpers into .make/soak.json
	$(PY) .ci/soak.py bin/mtflight $(SOAK) .make/soak.json

kill-test: build venv ## kill -9 of the server under a stream, resumed 100 times: no row lost or doubled
	MTFLIGHT_KILLS=100 $(PY) -m pytest -q -s testdata/tests/test_resume.py -k test_killed_servers

fuzz: .make/deps ## every fuzz target for FUZZTIME=5m; what fails is kept in its package's testdata
	@grep -rlE '^func Fuzz' --include='*_test.go' convert flight internal protocol reader | xargs -n1 dirname | sort -u | while read -r d; do \
		for f in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' $$d/*_test.go); do \
			echo "$$d $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) ./$$d || exit 1; \
		done; done

typecheck: ## what mypy --strict and pyright say of every documented call of the Python package
	.ci/venv .venv-types testdata/types/requirements.txt
	cd testdata/types && ../../.venv-types/bin/mypy calls.py && ../../.venv-types/bin/pyright -p . --pythonpath ../../.venv-types/bin/python

lint: .make/deps ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l cmd convert flight internal protocol reader examples); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

fmt: ## gofmt everything
	gofmt -w cmd convert flight internal protocol reader examples

conform: build ## a sample of the conformance run over ../shared/corpus
	.ci/conform sample

conform-full: build ## the whole conformance run, hours
	.ci/conform full

bench: build venv ## compare with other readers; BENCH_ROWS=200000 for a quick look
	.ci/venv .venv-multitables docs/bench/multitables.txt || echo 'multitables cannot be installed here: its line is left out'
	.ci/venv .venv-hidefix docs/bench/hidefix.txt || echo 'hidefix cannot be installed here: its line is left out'
	.ci/venv .venv-decoders docs/bench/decoders.txt || echo 'the decoders alone cannot be installed here: their line is left out'
	$(PY) docs/bench/bench.py
	$(PY) docs/bench/streams.py
	$(PY) docs/bench/queries.py

observability: build venv ## the dashboard and the alerts against a real Prometheus (apt-get install prometheus), a Python program's trace in a real OpenTelemetry collector
	cd packaging/observability && go vet . && go run . && go test ./...
	cd packaging/observability/collector && go vet . && go build -o ../../../.make/collector .
	.ci/venv .venv-observability packaging/observability/requirements.txt
	.venv-observability/bin/python -m pytest -q packaging/observability

man: build ## the manual pages, in bin/man1
	bin/mtflight man bin/man1

image: ## the container image mtflight:dev (IMAGE=)
image-sql: ## the image mtflight-sql:dev, with the SQL engine beside the server
image-sql: IMAGE = mtflight-sql:dev
image-sql: STAGE = --target sql
image image-sql:
	@if docker info >/dev/null 2>&1; then docker build --build-arg VERSION=$(VERSION) $(STAGE) -t $(IMAGE) .; \
	elif podman info >/dev/null 2>&1; then podman build --build-arg VERSION=$(VERSION) $(STAGE) -t $(IMAGE) .; \
	elif [ -x $(SHARED)/tools/image-build ]; then $(SHARED)/tools/image-build . $(IMAGE) --build-arg VERSION=$(VERSION) $(STAGE); \
	else echo 'no docker, podman or $(SHARED)/tools/image-build to build an image with'; exit 1; fi

clean: ## what make made
	rm -rf bin dist .make .bench .venv .venv-* examples/js/node_modules testdata/page/node_modules packaging/page/node_modules examples/java/target examples/rust/target
