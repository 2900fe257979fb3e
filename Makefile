# Hedgerow. `make` alone lists the targets.

GO            ?= go
LINT_VERSION  := v2.15.0
LINT          := bin/golangci-lint-$(LINT_VERSION)
TOOL          := $(GO) tool -modfile=$(CURDIR)/tools/go.mod
SWAG          := $(TOOL) swag
BINARY        ?= bin/hedgerow
SBOM          ?= bin/sbom.json
VULNDB        ?= https://vuln.go.dev
COMPOSE       ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
GO_IMAGE      ?= golang:1.26-bookworm
BUILD_FLAGS   ?=
CALLS         ?= 1000000
RANDOM_PLANS  ?= 20000
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LOCAL         := bin/local/hedgerow
export VERSION

# Without Gin's MessagePack, which nothing here uses, the binary is 6 MB smaller. Every build has the same flags, so that it finds
# in Go's cache what another one has compiled.
TAGS          := -tags=nomsgpack
export GOFLAGS := $(strip $(filter-out $(TAGS),$(shell $(GO) env GOFLAGS 2>/dev/null)) $(TAGS))

# RACE is empty where the race detector cannot run: it needs a C compiler and a platform that has it.
RACE          ?= $(shell CGO_ENABLED=1 $(GO) list -race errors >/dev/null 2>&1 \
	&& echo 'int main(void) { return 0; }' | $$($(GO) env CC) -x c -o /dev/null - >/dev/null 2>&1 && echo -race)

# In a terminal the command gets Ctrl-C alone: make would end in an error, however well the command stops.
foreground = if [ -t 0 ]; then set -m; trap '' TSTP; $(1); else exec $(1); fi

# Only the race detector needs C.
local lint e2e binary: export CGO_ENABLED = 0

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z_0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: init
init: $(LINT) ## Install what development needs: modules, generator, linter.
	$(GO) mod download
	cd tools && $(GO) mod download
	cd test/e2e && $(GO) mod download

.PHONY: local
local: export HEDGEROW_ADDR ?= :$(or $(HEDGEROW_PORT),5000)
local: export HEDGEROW_CONFIG ?= deploy/apis.yaml
local: export HEDGEROW_TESTSERVER_ADDR ?= 127.0.0.1:5002
local: export TESTSERVER_URL ?= http://$(HEDGEROW_TESTSERVER_ADDR)
local: ## Run the service on :5000. Without EXPONEA_URL it brings its own testing server.
	@[ -e $(LOCAL) ] || echo "The first build fetches modules and compiles $$($(GO) list -deps ./cmd/hedgerow | wc -l) packages, named below. With empty caches that takes minutes." >&2
	@$(GO) build -v -o $(LOCAL) ./cmd/hedgerow
	@$(call foreground,$(LOCAL))

.PHONY: run
run: ## Run the deployment of docker-compose.yml in the background: the API on :5000 and the testing server.
	$(COMPOSE) up --build --detach
	@deploy/await-ready.sh $(COMPOSE)
	@echo "The API and the console: http://localhost:$${HEDGEROW_PORT:-5000}/   The live page: http://localhost:$${HEDGEROW_ADMIN_PORT:-5001}/   Logs: $(COMPOSE) logs -f   Stop: make clean"

.PHONY: docker
docker: ## Build the image and run it alone on :5000, with its own testing server.
	docker build $(BUILD_FLAGS) $(foreach arg,GO_IMAGE BASE_IMAGE GOPROXY VERSION,$(if $($(arg)),--build-arg '$(arg)=$($(arg))')) --tag hedgerow .
	@$(call foreground,docker run --rm --name hedgerow --publish 5000:5000 --env EXPONEA_URL \
		--read-only --cap-drop ALL --security-opt no-new-privileges hedgerow)

.PHONY: exec_docker
exec_docker: ## A shell beside the running service, in its container's network and process namespaces; its files are in /proc/1/root.
	@id=$$(docker ps --quiet --filter name='^hedgerow$$' | head -n 1); \
	[ -n "$$id" ] || id=$$($(COMPOSE) ps --quiet api 2>/dev/null | head -n 1); \
	[ -n "$$id" ] || { echo "no container runs: make docker or make run first" >&2; exit 1; }; \
	docker run --rm --interactive $$([ -t 0 ] && echo --tty) --cap-add SYS_PTRACE \
		--network "container:$$id" --pid "container:$$id" $(GO_IMAGE) bash

.PHONY: clean
clean: ## Remove what this project made: its containers, networks and images, and what was built here but the linter.
	rm -rf test/e2e/postman/node_modules
	[ ! -d bin ] || find bin -mindepth 1 ! -path '$(LINT)' -delete
	@command -v docker >/dev/null && docker info >/dev/null 2>&1 || { echo "no Docker engine: nothing to remove there"; exit 0; }; \
	$(COMPOSE) --profile replicas --profile observability down --remove-orphans; \
	docker ps --all --quiet --filter label=hedgerow=image | xargs -r docker rm --force; \
	docker images --quiet --filter label=hedgerow | sort -u | xargs -r docker rmi --force

comma   := ,
test_go = $(if $(RACE),CGO_ENABLED=1 )$(GO)

.PHONY: test
test: ## Run all tests that need Go alone, with the race detector where there is a C compiler.
	@[ -n "$(RACE)" ] || printf '\n%s\n\n' '*** WITHOUT THE RACE DETECTOR: no C compiler works here. On Debian: apt-get install gcc libc6-dev ***' >&2
	@[ "$$($(test_go) list $(RACE) -f '{{.Stale}}' github.com/gin-gonic/gin)" != true ] || \
		echo "The first run compiles all the modules too$(if $(RACE),$(comma) with the race detector): that takes minutes." >&2
	$(test_go) test $(RACE) ./...

.PHONY: e2e
e2e: ## Run the tests in test/e2e: random plans, mutants, faults, many calls, a browser, Postman's runner, Docker. Each says what it needs (root; Debian: chromium nodejs npm docker.io docker-compose debootstrap prometheus nginx libnginx-mod-http-echo haproxy wrk redis-server python3-requests iproute2 iptables).
	cd test/e2e && RAPID_CHECKS=$(RANDOM_PLANS) $(GO) test -count=1 -p=1 -timeout=20m ./...

.PHONY: bench
bench: ## Measure against the targets and a hand-written net/http service: 25 minutes on a quiet machine. One alone: make bench ONLY=P1
	cd test/e2e && $(GO) run ./bench -only "$(ONLY)"

.PHONY: soak
soak: ## Make a million calls with random faults and see what is left behind: some minutes. Fewer: make soak CALLS=100000
	cd test/e2e && $(GO) test -count=1 -timeout=60m -v ./soak -calls=$(CALLS)

.PHONY: lint
lint: $(LINT) ## Run the linters.
	$(LINT) run ./...
	cd test/e2e && ../../$(LINT) run ./...

.PHONY: binary
binary: ## Build bin/hedgerow with the flags of the Dockerfile: the same sources make the same bytes anywhere.
	$(GO) build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)" \
		-o $(BINARY) ./cmd/hedgerow

.PHONY: sbom
sbom: binary ## Write bin/sbom.json, what that binary is made of, in CycloneDX: every module with its version and licence.
	$(TOOL) cyclonedx-gomod bin -json -std -licenses -noserial -notimestamp -version $(VERSION) -output $(SBOM) $(BINARY) 2>$(SBOM).log \
		|| { cat $(SBOM).log >&2; exit 1; }

.PHONY: licences
licences: sbom ## List the licences of those modules. Fails on one that is not allowed or not known.
	cd test/e2e && $(GO) run ./licences $(abspath $(SBOM))

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities that the service can reach. Says so when the database cannot be asked.
	@command -v curl >/dev/null || { echo "vulncheck needs curl" >&2; exit 1; }
	@if curl --silent --show-error --fail --location --max-time 30 --output /dev/null $(VULNDB)/index/db.json; then \
		$(TOOL) govulncheck -db $(VULNDB) ./...; \
	else \
		printf '\n%s\n' "*** NOT CHECKED for known vulnerabilities: $(VULNDB) cannot be reached from here. ***" >&2; \
	fi

.PHONY: generate
generate: ## Make docs/ from the annotations again, from docs/ what is generated in api/, and the imports in CONTRIBUTING.md.
	$(SWAG) fmt --dir internal/http
	$(SWAG) init --quiet --dir internal/http --generalInfo api.go --output docs --outputTypes go,json,yaml \
		--parseInternal --requiredByDefault
	cd test/e2e && $(GO) run ./openapi3 ../../docs/swagger.json ../../api/openapi.json
	cd test/e2e && $(GO) run ./postman/collection ../../api/openapi.json ../../api/hedgerow.postman_collection.json
	cd test/e2e && $(GO) run ./imports ../../CONTRIBUTING.md

$(LINT):
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv bin/golangci-lint $@
