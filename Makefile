# Hold the Line: `make` lists the targets. ops/sh/stack.sh runs them on the stack's engine.
#
#   STACK=name PORT_BASE=1000   a second stack beside the first      ENGINE=compose|process|kubernetes   where to run it
#   NODE=2                      the replica that a target acts on; the busiest without it
#   REDIS=sentinel              three Redis servers and three Sentinels (at up); SERVER=2 names one to the targets below
#   REDIS=cluster               a Redis Cluster of six servers (at up); SERVER=4 names one to the targets below
#   PROXIES=2                   two proxies behind a balancer (at up); PROXY=2 names the second to the targets below
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Scripts read variables from the environment, and ops/sh/variables.sh checks them. make must not expand a value:
# `override … := $(value …)` prevents that an exported value with `$(shell …)` is run.
literal = $(eval override $1 := $$(value $1))$(eval export $1)
$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(call literal,$(name))))
# npm sets an environment variable NODE, the path of a program. It is not a replica.
ifneq ($(filter environment,$(origin NODE)),)
ifneq ($(filter /%,$(value NODE)),)
unexport NODE
endif
endif
checked := sh ops/sh/checked.sh
stack := sh ops/sh/stack.sh

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

##@ The stack
.PHONY: up down status logs board open urls
up: ## start everything and return when it is ready
	@$(stack) up
down: ## stop everything and leave nothing running
	@$(stack) down
status: ## list the services, their states and their tunnels
	@$(stack) status
logs: ## follow logs; NODE=2 SERVICE=proxy LEVEL=warn ROOM=demo
	@$(stack) logs
board: ## open the board: live stack, dashboards, reports
	@$(stack) board
open: ## open the call page in a browser
	@$(stack) open
urls: ## print all addresses
	@$(stack) urls

##@ Break it (NODE=2 names the replica; without it, the busiest)
.PHONY: kill-node start-node pause-node resume-node restart-node
kill-node: ## SIGKILL a replica in the middle of its calls
	@$(stack) chaos kill
start-node: ## start a replica that is down
	@$(stack) chaos start
pause-node: ## freeze a replica: sockets stay open without an answer
	@$(stack) chaos pause
resume-node: ## resume a frozen replica
	@$(stack) chaos resume
restart-node: ## stop a replica in order, then start it
	@$(stack) chaos restart

.PHONY: crash-node drain-node undrain-node partition-node slow-node
crash-node: ## crash a replica; its restart policy heals it (compose)
	@$(stack) chaos crash
drain-node: ## move a replica's peers away; it keeps running
	@$(stack) chaos drain
undrain-node: ## let a drained replica take sessions again
	@$(stack) chaos undrain
partition-node: ## cut a replica from the backplane
	@$(stack) chaos partition
slow-node: ## slow a replica's way to Redis; MS=200 JITTER=50
	@$(stack) chaos slow

.PHONY: kill-redis start-redis pause-redis resume-redis restart-redis partition-redis slow-redis
kill-redis: ## SIGKILL Redis: the master, or SERVER=2
	@$(stack) chaos kill redis
start-redis: ## start Redis again
	@$(stack) chaos start redis
pause-redis: ## freeze Redis: half-open connections for all replicas
	@$(stack) chaos pause redis
resume-redis: ## resume Redis
	@$(stack) chaos resume redis
restart-redis: ## stop Redis in order, then start it
	@$(stack) chaos restart redis
partition-redis: ## cut Redis from every replica
	@$(stack) chaos partition redis
slow-redis: ## slow every replica's way to Redis; MS=200 JITTER=50
	@$(stack) chaos slow redis
.PHONY: kill-nats start-nats pause-nats resume-nats restart-nats partition-nats slow-nats
kill-nats: ## SIGKILL the first NATS server, or SERVER=2
	@$(stack) chaos kill nats
start-nats: ## start NATS again
	@$(stack) chaos start nats
pause-nats: ## freeze NATS: half-open connections for its replicas
	@$(stack) chaos pause nats
resume-nats: ## resume NATS
	@$(stack) chaos resume nats
restart-nats: ## stop NATS in order, then start it
	@$(stack) chaos restart nats
partition-nats: ## cut NATS from every replica
	@$(stack) chaos partition nats
slow-nats: ## slow every replica's way to NATS; MS=200 JITTER=50
	@$(stack) chaos slow nats

.PHONY: kill-proxy start-proxy pause-proxy resume-proxy restart-proxy
kill-proxy: ## SIGKILL the proxy, or PROXY=2; media goes on
	@$(stack) chaos kill proxy
start-proxy: ## start the proxy again
	@$(stack) chaos start proxy
pause-proxy: ## freeze the proxy
	@$(stack) chaos pause proxy
resume-proxy: ## resume the proxy
	@$(stack) chaos resume proxy
restart-proxy: ## stop the proxy in order, then start it
	@$(stack) chaos restart proxy

.PHONY: kill-balancer start-balancer pause-balancer resume-balancer restart-balancer
kill-balancer: ## SIGKILL the balancer of PROXIES=2
	@$(stack) chaos kill balancer
start-balancer: ## start the balancer again
	@$(stack) chaos start balancer
pause-balancer: ## freeze the balancer
	@$(stack) chaos pause balancer
resume-balancer: ## let the balancer go on
	@$(stack) chaos resume balancer
restart-balancer: ## stop the balancer, then start it
	@$(stack) chaos restart balancer

##@ Heal and watch
.PHONY: heal provoke roll roll-proxies scale watch-backplane
heal: ## undo every fault made on purpose
	@$(stack) chaos heal
provoke: ## ALERT=ProxyDown: raise an alert; ONCE=1 ends it
	@$(stack) provoke
roll: ## restart the replicas one by one, like a deploy
	@$(stack) roll
roll-proxies: ## restart the two proxies one by one, drained first
	@$(stack) roll --proxies
scale: ## N=4: run this number of replicas (1 to 5)
	@$(stack) scale
watch-backplane: ## print the replicas' messages through Redis or NATS
	@$(stack) watch-backplane

##@ Drills: break it and judge it
.PHONY: drills drill drill-all drills-ci report soak game-day
drills: ## list the drills
	@$(stack) drills
drill: ## DRILL=kill-node: run one; SEED= CALLS= CONTROL=1 JSON=1
	@$(stack) drill
drill-all: ## every drill of this engine; REPEAT=3
	@$(stack) drills --all
drills-ci: ## the four drills of CI, on the stack that is up
	@$(stack) drills --ci
soak: ## MINUTES=30 of random seeded drills; SEED=1
	@$(stack) soak
game-day: ## a hidden fault: detect, name, heal; LEVEL=1..3 SEED=7
	@$(stack) game-day
report: ## print this stack's newest report
	@$(stack) report

##@ Plan
.PHONY: plan
plan: ## PEERS=100000 SIGNALS=5 ROOM=2: size, bottleneck, storm
	@$(checked) ops/sh/develop.sh plan

##@ Prepare
.PHONY: doctor certs images-debian
doctor: ## check this host, and say what to fix
	@$(checked) ops/sh/doctor.sh
certs: ## make a local CA and a certificate for OVERLAYS=tls
	@$(checked) deploy/tls/certs.sh
images-debian: ## build third-party images from Debian packages
	@$(checked) deploy/debian/images.sh

##@ Your own application
.PHONY: adopt-check
adopt-check: ## URL=http://…: what breaks behind the proxy; PATHS= SLOW=
	@$(checked) ops/sh/develop.sh adopt-check

##@ Develop
.PHONY: check test test-untuned test-proxies test-backplanes test-apps test-hostile test-board test-conformance test-manifests test-long test-protocols test-drills test-controls test-drill-all bench-proxy test-compose clean dashboards verify-observability token bench-signaling bench-plan test-kubernetes
check: ## format, lint, types
	@$(checked) ops/sh/develop.sh check
test: ## every test, on stacks of its own
	@$(checked) ops/sh/develop.sh test
test-untuned: ## the proxy's tests with PROXY_TUNING=off
	@$(checked) ops/sh/develop.sh test-untuned
test-board: ## the board in a real browser; PICTURES=1 takes pictures
	@$(checked) ops/sh/develop.sh test-board
test-proxies: ## two proxies, a balancer, names that come and go
	@$(checked) ops/sh/develop.sh test-proxies
test-backplanes: ## Sentinels, a cluster, NATS: drills, controls, verbs
	@$(checked) ops/sh/develop.sh test-backplanes
test-apps: ## another application behind the proxy: checked, drilled
	@$(checked) ops/sh/develop.sh test-apps
test-hostile: ## hostile clients beside calls; ONLY=heads,bodies
	@$(checked) ops/sh/develop.sh test-hostile
test-manifests: ## the manifests of Kubernetes, held to compose.yaml
	@$(checked) ops/sh/develop.sh test-manifests
test-conformance: ## every promise of every backplane, slowly
	@$(checked) ops/sh/develop.sh test-conformance
test-long: ## 20 kills of Redis in a row, Redis gone for a minute
	@$(checked) ops/sh/develop.sh test-long
test-protocols: ## the Socket.IO suites; SOCKETIO_REPO=checkout
	@$(checked) ops/sh/develop.sh test-protocols
bench-proxy: ## the proxy against HAProxy, nginx and stock http-proxy
	@$(checked) ops/sh/develop.sh bench-proxy
bench-signaling: ## latency, CPU and memory of the replicas
	@$(checked) ops/sh/develop.sh bench-signaling
bench-plan: ## the arithmetic of make plan against measurements
	@$(checked) ops/sh/develop.sh bench-plan
token: ## a JWT for AUTH=jwt; ROOM= SUBJECT= ROLE= TTL_SECONDS=
	@$(checked) ops/sh/develop.sh token
test-drills: ## four drills, a killed runner, a game day
	@$(checked) ops/sh/develop.sh test-drills
test-controls: ## every drill without its mechanism: it must deviate
	@$(checked) ops/sh/develop.sh test-controls
test-drill-all: ## every drill once and a short soak; REPEAT=3
	@$(checked) ops/sh/develop.sh test-drill-all
test-compose: ## the compose stack on a real Docker Engine
	@$(checked) test/compose/run.sh
test-kubernetes: ## the stack on a real Kubernetes, built once
	@$(checked) test/kubernetes/run.sh
verify-observability: ## prove dashboards, rules and alerts
	@$(checked) ops/sh/develop.sh verify-observability
dashboards: ## write grafana/dashboards and docs/metrics.md
	@$(checked) ops/sh/develop.sh dashboards
clean: ## delete dependencies, builds and caches
	@$(checked) ops/sh/develop.sh clean
