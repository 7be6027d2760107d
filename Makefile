# `make` alone prints this file's targets; each says what it does in its ## comment.

PYTHON   ?= python3
WORKFLOW ?= kd-alpha-sweep
OVERLAY  ?= local
REGISTRY ?= localhost/seedbed
BIN      := .venv/bin
CLUSTER  ?= ../shared/cluster
ARGO     ?= v3.7.18
PAGES    ?= http://localhost:8080

FAMILIES  = $(patsubst jobs/%/__init__.py,%,$(wildcard jobs/*/__init__.py))
FAMILY   ?= $(FAMILIES)
EXTRAS    = $(foreach family,$(FAMILIES),$(shell grep --only-matching '^$(family) = \[' pyproject.toml | cut -d' ' -f1))
TAG      ?= $(shell git describe --always --dirty --abbrev=12 --exclude='*')

export OMP_NUM_THREADS ?= 1
export DOCKER_BUILDKIT := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

##@ Everyday

.PHONY: help
help: ## Print this help.
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	     /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Where: STORE (runs, or s3://bucket) and ON (argo: the cluster that KUBECONFIG names).
at     = $(if $(STORE),--store $(STORE)) $(if $(ON),--on $(ON))
how    = $(if $(FULL),--full) $(if $(SEEDS),--seeds $(SEEDS))

.PHONY: submit
submit: .venv/ready ## Run WORKFLOW and print its table (FULL=1: not cut down; SEEDS=0-4; STORE=runs or s3://bucket; ON=argo).
	@$(BIN)/seedbed submit $(WORKFLOW) $(how) $(if $(LAPTOP),--laptop) $(at)

.PHONY: plan
plan: .venv/ready ## Show which trials WORKFLOW needs: new, to resume, done.
	@$(BIN)/seedbed plan $(WORKFLOW) $(how) $(if $(STORE),--store $(STORE))

.PHONY: status
status: .venv/ready ## Show how the sweeps stand (ON=argo: what waits and what failed too).
	@$(BIN)/seedbed status $(at)

.PHONY: table
table: .venv/ready ## Print WORKFLOW's table again from the results there are.
	@$(BIN)/seedbed table $(WORKFLOW) $(if $(FULL),--full) $(at)

.PHONY: logs
logs: .venv/ready ## Show what TRIAL logged and how its attempts ended (its id, or how that begins).
	@$(BIN)/seedbed logs $(TRIAL) $(at)

.PHONY: setup
setup: .venv/ready ## Make .venv with the locked dependencies; everything else does it by itself.

##@ Development

.PHONY: test
test: .venv/ready ## The tests: no network, no GPU, no cluster.
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -n 2 --dist worksteal  # both processes have to list the tests alike

.PHONY: lint
lint: .venv/ready ## Formatting, style, types, YAML and the sweep files; changes nothing.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	$(BIN)/hadolint images/*.Dockerfile
	$(BIN)/shellcheck .ci/run
	$(BIN)/seedbed check

.PHONY: format
format: .venv/ready ## Rewrite the code as `make lint` wants it.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: .venv/ready ## Measure what is claimed about speed, as ratios, side by side.
	@for bench in tests/bench/[a-z]*.py; do echo; echo "== $$bench"; $(BIN)/python -m $$(echo $${bench%.py} | tr / .); done

.PHONY: golden
golden: .venv/ready ## Rewrite tests/golden; read the diff before you commit it.
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/jobs/test_families.py

.PHONY: golden-manifests
golden-manifests: .venv/ready ## Rewrite tests/golden/manifests; needs kubectl.
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/manifests/rendered_overlays.py

.PHONY: lock
lock: .venv/ready ## Lock the dependencies anew, with hashes.
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --all-extras \
	  --group dev --no-annotate --no-header --quiet --upgrade --output-file requirements/all.txt
	$(MAKE) --no-print-directory lock-images
	awk '/^[^ ]/ {own = /^uv==/} own' requirements/all.txt >requirements/uv.txt

.PHONY: lock-images
lock-images: .venv/ready  # what an image holds, in the versions of all.txt: the core, and a family's own extra
	for part in core $(EXTRAS); do \
	  $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    --quiet --constraint requirements/all.txt $$([ $$part = core ] || echo --extra $$part) \
	    --output-file requirements/$$part.txt; \
	done

##@ Images and clusters

.PHONY: images
images: $(FAMILY:%=image-%) ## Build the image of every family, or of FAMILY, as REGISTRY/<family>:TAG (TAG: the revision).

image-%:
	docker build --file images/family.Dockerfile --tag $(REGISTRY)/$*:$(TAG) \
	  --build-arg FAMILY=$* --build-arg REVISION=$(TAG) $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) .

.PHONY: selftest
selftest: ## Let the images test themselves: read-only, without privileges, without network.
	@for family in $(FAMILY); do docker run --rm --read-only --tmpfs /tmp --network none --cap-drop ALL \
	  --security-opt no-new-privileges $(REGISTRY)/$$family:$(TAG) seedbed selftest; done

.PHONY: push
push: ## Push the images that `make images` built, of a commit only: a tag is never used again.
	@case $(TAG) in *-dirty) echo "push: $(TAG) is no revision; commit first" >&2; exit 1 ;; esac
	@for family in $(FAMILY); do docker push $(REGISTRY)/$$family:$(TAG); done

.PHONY: cluster
cluster: ## Make a cluster with kind, and Argo Workflows ARGO in it.
	kind create cluster --name seedbed --wait 2m
	kubectl create namespace argo
	kubectl apply --server-side --namespace argo \
	  --filename https://github.com/argoproj/argo-workflows/releases/download/$(ARGO)/install.yaml
	kubectl --namespace argo expose deployment workflow-controller --name workflow-controller-metrics --port 9090
	kubectl --namespace argo rollout status deployment/workflow-controller --timeout 5m

.PHONY: load
load: ## Copy the images into the cluster that KUBECONFIG names: kind's, k3d's, or that of the tests.
	@images=$$(for family in $(FAMILY); do echo $(REGISTRY)/$$family:$(TAG); done); \
	case $$(kubectl config current-context) in \
	  kind-*) kind load docker-image --name $$(kubectl config current-context | cut -c6-) $$images ;; \
	  k3d-*) k3d image import --cluster $$(kubectl config current-context | cut -c5-) $$images ;; \
	  *) $(CLUSTER)/cluster load $$images ;; \
	esac

.PHONY: deploy
deploy: $(if $(filter local,$(OVERLAY)),local-files) ## Put OVERLAY into the cluster that KUBECONFIG names.
	kubectl --namespace seedbed delete job bucket --ignore-not-found  # a job cannot be changed
	kubectl apply --server-side --kustomize manifests/overlays/$(OVERLAY)
	$(if $(filter local,$(OVERLAY)),$(call await,bucket))
	$(if $(filter local,$(OVERLAY)),@$(MAKE) --no-print-directory links)

await = kubectl --namespace seedbed wait --for condition=complete job/$1 --timeout 2m || \
	  { kubectl --namespace seedbed logs job/$1; exit 1; }

.PHONY: local-files
local-files:
	python3 manifests/components/store/identities.py manifests/overlays/local
	printf '%s\n' registry=$(REGISTRY) tag=$(TAG) any=$(REGISTRY)/$(firstword $(FAMILY)):$(TAG) \
	  >manifests/overlays/local/images.env

.PHONY: links
links: ## Let Argo's UI, which starts anew, and notices lead to reports and logs at PAGES: where people reach the service of that name.
	sed 's|ADDRESS|$(PAGES)|' manifests/argo/links.yaml | kubectl --namespace argo \
	  patch configmap workflow-controller-configmap --type merge --patch-file /dev/stdin
	for server in $$(kubectl --namespace argo get deployment argo-server --ignore-not-found --output name); do \
	  kubectl --namespace argo rollout restart $$server && kubectl --namespace argo rollout status $$server; done
	kubectl --namespace seedbed patch configmap seedbed --type merge --patch '{"data": {"SEEDBED_PAGES": "$(PAGES)"}}'

.PHONY: undeploy
undeploy: $(if $(filter local,$(OVERLAY)),local-files) ## Take OVERLAY out of the cluster; what the store holds stays, unless PURGE=1.
	kubectl --namespace seedbed delete workflows.argoproj.io --all
	kubectl delete --ignore-not-found --kustomize manifests/overlays/$(OVERLAY) $(if $(PURGE),,--selector '!seedbed/keep')

# Docker and a cluster for what follows in the line: those that are there, else CLUSTER's.
at-hand = $(if $(wildcard $(CLUSTER)/engine),eval "$$($(CLUSTER)/engine up)";) \
	  $(if $(KUBECONFIG),,eval "$$($(CLUSTER)/cluster up)";)

.PHONY: ready-cluster
ready-cluster: ## The images, built, tested and brought into a cluster with all that they need there.
	@$(at-hand) $(MAKE) --no-print-directory images selftest load deploy

.PHONY: test-cluster
test-cluster: .venv/ready ready-cluster ## The tests that need a cluster: KUBECONFIG's, else CLUSTER's (a folder) is brought up. WITHOUT: a marker.
	@$(at-hand) $(BIN)/python -m pytest -n 3 --dist worksteal -m 'not alone' --durations 30 \
	  tests/manifests/rendered_overlays.py tests/manifests/alert_rules.py tests/cluster
	@$(at-hand) CLUSTER_TOOL=$(abspath $(wildcard $(CLUSTER)/cluster)) \
	  $(BIN)/python -m pytest -m 'alone$(if $(WITHOUT), and not $(WITHOUT))' --durations 30 tests/cluster

.PHONY: bench-cluster
bench-cluster: .venv/ready ## Pods per minute, and the size of the workflow, for TRIALS (300) trials of a second.
	@$(at-hand) $(BIN)/python -m tests.cluster.bench

.venv/ready: requirements/all.txt requirements/uv.txt pyproject.toml
	@echo "Setting up .venv: about a minute, and 7 GB with torch's CUDA libraries." >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "seedbed needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements/all.txt
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
