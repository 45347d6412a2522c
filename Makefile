# "make help" lists the targets. They need Go and nothing else to begin with;
# "make test" installs what it lacks, as root on Debian, or says what that is.

GO ?= go

# Of test: the packages, more flags, the limit for one package, and how many
# packages at once. Those that need RabbitMQ each run a node of their own.
PKG         ?= ./...
TESTFLAGS   ?=
TESTTIMEOUT ?= 9m
TESTPAR     ?= 2

# Of bench: which. Of fuzz: how long for each target. Of soak: how many random
# histories, beginning with which seed (empty: the suite's own).
BENCH     ?= .
FUZZTIME  ?= 60s
HISTORIES ?= 500
SEED      ?=

# Of screenshots: the folder for them.
SHOTS ?= $(or $(TMPDIR),/tmp)/bindery-screenshots

STATICCHECK = $(GO) tool -modfile=tools/go.mod staticcheck

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## broadcast a real log to two receivers, in memory
	@$(GO) run ./cmd/internal/demo

# Never from the cache: the server that the tests ran against is not part of it.
.PHONY: test
test: needs ## run all tests with the race detector, RabbitMQ's included
	$(GO) test -race -count=1 -p $(TESTPAR) -timeout $(TESTTIMEOUT) $(TESTFLAGS) $(PKG)

.PHONY: contract
contract: needs ## run the contract suite alone and print its report for each adapter
	$(GO) test -race -count=1 -timeout $(TESTTIMEOUT) -v -run Contract ./adapters/...

.PHONY: support
support: needs ## write docs/support.md, what each backend keeps
	BINDERY_SUPPORT=write BINDERY_CLUSTER=1 $(GO) test -count=1 -p 1 -timeout 30m -run '^TestContract(OverNATS|Cluster)?$$' ./adapters/memory ./adapters/rabbitmq ./adapters/amqpserver ./adapters/nats ./adapters/amqpserver/interop

.PHONY: needs
needs: ## make sure of what the tests need: a C compiler, RabbitMQ, NATS, Chromium
	@tools/need-cc
	@$(GO) run ./adapters/rabbitmq/rabbitmqtest/install
	@$(GO) run ./adapters/nats/natstest/install
	@$(GO) run ./internal/chromium/install

.PHONY: lint
lint: ## check formatting, vet, staticcheck, go.mod and the import rules
	@echo gofmt -l .; unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then \
		echo "not formatted (run gofmt -w):" $$unformatted >&2; exit 1; fi
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) mod tidy -diff
	$(GO) test -count=1 ./internal/imports

.PHONY: screenshots
screenshots: needs ## take pictures of the page of topology serve, into SHOTS
	@mkdir -p $(SHOTS)
	BINDERY_SCREENSHOTS=$(abspath $(SHOTS)) $(GO) test -count=1 -run '^TestScreenshots$$' ./cmd/internal/page

.PHONY: bench
bench: needs ## run the benchmarks one package after another (BENCH=regexp)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -p 1 -timeout 1h $(TESTFLAGS) $(PKG)

.PHONY: fuzz
fuzz: ## run every fuzz target for a minute (FUZZTIME=60s)
	@GO=$(GO) tools/fuzz $(FUZZTIME)

# Without the race detector, for true figures. Both ends of 5,000 connections
# are in one process, which must be allowed 12,000 open files.
.PHONY: hostile
hostile: ## turn thousands of hostile clients on the AMQP server, and print what they cost
	BINDERY_HOSTILE=1 $(GO) test -count=1 -timeout 30m -v $(TESTFLAGS) -run '^TestHostileClients$$' ./adapters/amqpserver

.PHONY: soak
soak: needs ## run many random histories and routes on every adapter (HISTORIES=500, SEED=n)
	BINDERY_HISTORIES=$(HISTORIES) BINDERY_SEED=$(SEED) \
		$(GO) test -race -count=1 -timeout 6h $(TESTFLAGS) ./adapters/...
	BINDERY_PAIRS=10000 BINDERY_SEED=$(SEED) \
		$(GO) test -race -count=1 -timeout 6h -v $(TESTFLAGS) -run '^TestAgree$$' ./pubsub/topology

# Of stalls: how often each test runs. The server of $BINDERY_AMQP_URL would not stall.
STALLS ?= 3

.PHONY: stalls
stalls: needs ## test on a RabbitMQ whose queues and channels stop at random (STALLS=3 times)
	BINDERY_STALLS=1 BINDERY_AMQP_URL= $(GO) test -race -count=$(STALLS) -p $(TESTPAR) -timeout 1h $(TESTFLAGS) \
		./adapters/rabbitmq ./adapters/amqpserver/interop ./adapters/watermill/... ./pubsub/topology ./cmd/internal/e2e ./cmd/internal/page

# Of faults: for how many seconds nodes are killed, and step down.
FAULTS ?= 60

.PHONY: faults
faults: needs ## kill nodes and clients of a NATS cluster (FAULTS=60), and print figures
	BINDERY_FAULTS=$(FAULTS) BINDERY_BINDS=5000 BINDERY_CLUSTER=1 $(GO) test -count=1 -timeout 1h -v $(TESTFLAGS) \
		-run '^Test(NodesDieUnderPublishes|BindsSeenElsewhere|ContractCluster|Client(Killed|Hangs)|CrashAtEveryStep|Reconnect|SentAgainAfterRestart)$$' ./adapters/nats

# Without the race detector: the suite's reconnect test has a race of its own.
# STRESS is how often the suite runs side by side in the stress tests;
# TESTFLAGS=-v shows the suite's own output.
STRESS ?= 3

.PHONY: watermill
watermill: needs ## run Watermill's suite, its stress and reconnect tests in full (STRESS=3)
	BINDERY_WATERMILL=1 STRESS_TEST_COUNT=$(STRESS) $(GO) test -count=1 -timeout 30m $(TESTFLAGS) -run '^Test(Suite|Stress|Reconnect)$$' ./adapters/watermill
