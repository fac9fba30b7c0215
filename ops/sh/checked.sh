#!/bin/sh
# Checks every variable of make, then runs a script of this repository: checked.sh SCRIPT ARGUMENT…
set -eu
cd "$(dirname "$0")/../.."
. ops/sh/common.sh
. ops/sh/variables.sh
check_variables
exec sh "$@"
