#!/bin/sh
# Checks the files of Prometheus and Alertmanager with their own tools: syntax, rules, and each alert silent, firing and
# resolved (prometheus/tests). It is part of make check. A missing tool gives one line and no failure.
set -eu
cd "$(dirname "$0")"

quietly() { output=$("$@" 2>&1) || { echo "$output" >&2; exit 1; }; }

if command -v promtool >/dev/null; then
  quietly promtool check config --syntax-only prometheus.yml
  quietly promtool check rules --lint-fatal rules/*.yml slo/*.yml
  quietly promtool test rules tests/*.test.yml
  echo "promtool: configuration, rules and their tests pass"
else
  echo "promtool is not installed: rules are not checked (apt-get install --no-install-recommends prometheus)"
fi

if command -v amtool >/dev/null; then
  quietly amtool check-config ../alertmanager/*.yml
  echo "amtool: routes and receivers pass"
else
  echo "amtool is not installed: routes are not checked (apt-get install --no-install-recommends prometheus-alertmanager)"
fi
