# SPDX-License-Identifier: GPL-3.0-or-later
# `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help demo test unit lint sanity docs integration faults acceptance molecule bench mutants lab-up lab-down clean-cache

DISTRO ?= bookworm
NETWORK ?= ifupdown
HOSTS ?= 1
CORE ?=
RECORD ?=

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

test: ## every test, the same that CI runs
	@tools/env test python tools/check.py

unit: ## the tests that need no root, seconds
	@tools/env local python tools/check.py unit

lint: ## every check of the sources, without the tests
	@tools/env local python tools/check.py ruff imports yamllint extra-checks license-check changelog build-import-check galaxy-importer execution-environment docs-check docs docs-site ansible-lint sanity

sanity: ## ansible-test sanity with the oldest, the usual and the newest ansible-core
	@tools/env test python tools/check.py sanity sanity-oldest sanity-newest

docs: ## the documentation as a site, for a browser
	@tools/env local nox --no-venv --nocolor -s docs-site

integration: ## each module by playbook in throw-away namespaces; make test runs a shorter form
	@tools/env test env HYPERVISOR_NETWORK_LONG=1 python tools/check.py integration

faults: ## the fault matrix whole, an hour and more; make test runs the short form; DISTRO=trixie for Debian 13
	@tools/env test env HYPERVISOR_NETWORK_LONG=1 python tools/check.py faults-guests faults-guard faults-managers faults-networks faults-lab

acceptance: ## hypervisors of the lab, converted over SSH and rebooted; make test runs a shorter form
	@tools/env test env HYPERVISOR_NETWORK_LONG=1 python tools/check.py acceptance

molecule: ## every scenario of extensions/molecule on a lab of its own, as users of Molecule run them, and a role of a stranger's; SCENARIO=walkthrough for one
	@tools/env test tools/molecule test $(if $(SCENARIO),-s $(SCENARIO),--all) --report
	@$(if $(SCENARIO),,tools/env test pytest tests/molecule)

bench: ## ratios against ip -batch, task loops and other conversions; ARGS="--full --only G12"
	@tools/env test python -m ansible_collections.hypervisor.network.tests.bench $(ARGS)

mutants: ## change planners word by word and see whether their tests notice, an hour or two; PLANNER="_fdb/plan _mdb/plan" for some
	@tools/env local python tools/mutants.py $(PLANNER)

demo: ## a lab, a hypervisor whose eth0 becomes a port of br0 over SSH, guests by DHCP; DISTRO=trixie for Debian 13, HOSTS=3 for three with two tenants, CORE=oldest or newest, RECORD=demo for demo.svg, a picture of it, and demo.cast, a film
	@CORE=$(CORE) tools/env demo python $(if $(RECORD),tools/record.py $(RECORD) python) tools/demo.py demo --distro $(DISTRO) --hosts $(HOSTS)

lab-up: ## only the lab; DISTRO=trixie for Debian 13, NETWORK=netplan, networkd, networkmanager or ifupdown2 for other managers
	@tools/env demo python tools/demo.py lab-up --distro $(DISTRO) --network $(NETWORK) --hosts $(HOSTS)

lab-down: ## remove the lab; the cached image stays
	@tools/env demo python tools/demo.py lab-down
