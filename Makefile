# SPDX-License-Identifier: Apache-2.0
# The commands of the project. `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help setup build demo test check fmt manual bench verify

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the Debian packages and the Python venv that demo and test need
	@Scripts/setup

build: setup ## Build the product and the tests (debug, shared by demo, test and check)
	@Scripts/build

demo: build ## Take a real Samba forest into the embedded tenant, sign in there, and watch changes arrive
	@Scripts/demo

test: build ## Run the unit, integration and third-party interoperability tests
	@Scripts/test

check: build ## Formatting, licence headers, direction rules, warnings as errors
	@Scripts/check

fmt: ## Format all Swift code
	@swift format format -i -r -p Package.swift Sources Tests Benchmarks

manual: build ## Write the manual pages into .build/man
	@Scripts/manual

bench: setup ## Measure the import against ldapsearch: time, CPU, memory (release build; about 40 minutes the first time)
	@Scripts/bench

verify: build ## Long sweeps and fuzzing: millions of mutated messages
	@Scripts/verify
