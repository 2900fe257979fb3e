# Hedgerow. `make` alone lists the targets.

GO            ?= go
LINT_VERSION  := v2.15.0
LINT          := bin/golangci-lint-$(LINT_VERSION)
SWAG          := $(GO) tool -modfile=tools/go.mod swag

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z_0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: init
init: $(LINT) ## Install what development needs: modules, generator, linter.
	$(GO) mod download
	cd tools && $(GO) mod download
	cd test && $(GO) mod download

.PHONY: local
local: ## Run the service on :5000. Without EXPONEA_URL it brings its own testing server.
	$(GO) run ./cmd/hedgerow

.PHONY: test
test: ## Run all tests that need Go alone, with the race detector.
	$(GO) test -race ./...

.PHONY: e2e
e2e: ## Run the tests in test/: a browser, Postman's runner, Docker. Each says what it needs (Debian: chromium nodejs npm docker.io docker-compose debootstrap).
	cd test && $(GO) test -count=1 -p=1 -timeout=20m ./...

.PHONY: lint
lint: $(LINT) ## Run the linters.
	$(LINT) run ./...
	cd test && ../$(LINT) run ./...

.PHONY: generate
generate: ## Make docs/ from the annotations again, and from docs/ what is generated in api/.
	$(SWAG) fmt --dir internal/http
	$(SWAG) init --quiet --dir internal/http --generalInfo api.go --output docs --outputTypes go,json,yaml \
		--parseInternal --requiredByDefault
	cd test && $(GO) run ./openapi3 ../docs/swagger.json ../api/openapi.json
	cd test && $(GO) run ./postman/collection ../api/openapi.json ../api/hedgerow.postman_collection.json

$(LINT):
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv bin/golangci-lint $@
