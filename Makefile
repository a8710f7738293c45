# PixelTrack. `make help` lists the targets. Everything that they need goes into .local.

GO       ?= go
STAGE    ?= dev
VENV     := .local/venv
FLAGS    := -tags=lambda.norpc,nethttpomithttp2 -trimpath -ldflags="-s -w"
PACKAGES := ./...

.DEFAULT_GOAL := help
.PHONY: help run demo test prove check audit build invoke bench drill openapi deploy redrive staff clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## the product on http://127.0.0.1:8080, its control on 8081
	@$(GO) build -o .local/bin/local ./infra/local && exec .local/bin/local

demo: ## play the whole journey against a running stack, step by step
	@$(GO) run ./infra/demo

test: ## everything at small sizes, from nothing
	$(GO) test -timeout 40m $(PACKAGES)

prove: .local/bin/versitygw ## the same tests at full size, and our S3 against another
	PIXELTRACK_PROVE=1 $(GO) test -count=1 -timeout 180m -v $(PACKAGES)

check: format vet lint templates ## format, vet, linters, templates, rules
	$(GO) test -count=1 ./infra/checks/...

.PHONY: format vet lint templates
format:
	@out=$$(gofmt -l functions infra pkg); if [ -n "$$out" ]; then echo "gofmt: $$out"; exit 1; fi

vet:
	$(GO) vet $(PACKAGES)

lint: .local/bin/golangci-lint
	.local/bin/golangci-lint run $(PACKAGES)

.local/bin/golangci-lint: TOOL = github.com/golangci/golangci-lint/v2/cmd/golangci-lint
.local/bin/versitygw: TOOL = github.com/versity/versitygw/cmd/versitygw
.local/bin/golangci-lint .local/bin/versitygw: infra/tools/go.mod
	@mkdir -p .local/bin
	cd infra/tools && $(GO) build -o ../../$@ $(TOOL)

templates: $(VENV)/ready
	$(VENV)/bin/cfn-lint template.yaml infra/edge.yaml infra/stacks/*.yaml
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENV)/bin/sam validate --lint --template template.yaml
	$(VENV)/bin/openapi-spec-validator infra/openapi.yaml

$(VENV)/ready: infra/tools/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r infra/tools/requirements.txt
	@touch $@

audit: ## known vulnerabilities; needs the internet
	cd infra/tools && $(GO) tool govulncheck -C ../.. $(PACKAGES)

build: $(VENV)/ready ## every function, arm64, stripped, as it is deployed
	GOFLAGS='-tags=lambda.norpc,nethttpomithttp2 -trimpath "-ldflags=-s -w"' SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENV)/bin/sam build --parallel --cached

invoke: ## one function with an event: FUNCTION=Meta/GetHealth EVENT=events/http/get-health.json
	@$(GO) run ./infra/invoke -function "$(FUNCTION)" -event "$(EVENT)"

bench: ## start, size and CPU of a function against a bare handler, as ratios
	@$(GO) run ./infra/bench

drill: ## restore the local stack's table from a month ago, with people in it who were erased since
	$(GO) test -count=1 -v ./infra/e2e -run 'TestARestoredTable$$'

openapi: ## write infra/openapi.yaml anew from the routes
	$(GO) test ./pkg/catalog -run TestTheDocumentIsWhatTheRoutesSay -update

deploy: build ## deploy to STAGE with samconfig.toml
	SAM_CLI_TELEMETRY=0 $(VENV)/bin/sam deploy --config-env $(STAGE)

redrive: ## give what failed for good to its functions again: STAGE=dev, or STAGE=local for a running stack
	@$(GO) run ./infra/redrive -stage "$(STAGE)"

staff: ## make a user one of our own people: STAGE=dev or local, STAFF_USER=usr_…, ROLE=support, privacy_officer, legal, security or nothing
	@$(GO) run ./infra/staff -stage "$(STAGE)" -user "$(STAFF_USER)" -role "$(ROLE)"

clean: ## forget what was built and installed
	rm -rf .local .aws-sam
