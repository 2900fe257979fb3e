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

.PHONY: lint
lint: $(LINT) ## Run the linters.
	$(LINT) run ./...
	cd test && ../$(LINT) run ./...

.PHONY: generate
generate: ## Make docs/ from the annotations again.
	$(SWAG) fmt --dir internal/http
	$(SWAG) init --quiet --dir internal/http --generalInfo api.go --output docs --outputTypes go,json,yaml \
		--parseInternal --requiredByDefault

$(LINT):
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv bin/golangci-lint $@
