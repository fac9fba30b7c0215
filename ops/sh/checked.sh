#!/bin/sh
# Runs a script of this repository once every variable of make holds what it may: checked.sh SCRIPT ARGUMENT…
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh
. ops/sh/variables.sh
check_variables
exec sh "$@"
