# shellcheck shell=sh
# Sourced: packages of a newer Debian suite beside the system's own, on Debian.
#
# It uses a private apt configuration with its own lists and downloads. It installs nothing and does not change the
# system's sources. apt checks the suite's signed Release file with Debian's keys, and every package against the hashes
# in it. The archive's address, proxy and certificates come from the system's apt configuration.

# This suite has Docker Engine 28, Compose 2.40 and Redis 8. Debian 12 and 13 do not have them.
suite=${DEBIAN_SUITE:-testing}
# The cache between runs: the machine's for root, else the checkout's.
if [ "$(id -u)" = 0 ]; then machine=/var/cache/hold-the-line; else machine=$PWD/.cache/debian; fi
machine=${MACHINE_CACHE:-$machine}

# The address of the Debian archive that apt uses.
archive() {
  address=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p)
  [ -n "$address" ] || {
    apt-get update -qq >/dev/null
    address=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p)
  }
  [ -n "$address" ] || die "apt names no Debian archive (apt-get indextargets): is this Debian?"
  echo "$address"
}

# From here on apt-get uses the private configuration, with fresh lists.
use_private_apt() {
  private=$machine/apt-$suite
  mkdir -p "$private/lists/partial" "$private/cache/archives/partial"
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -r $keys ] || die "$keys is missing: apt-get install debian-archive-keyring"
  echo "deb [signed-by=$keys] $(archive) $suite main" >"$private/sources.list"
  cat >"$private/apt.conf" <<C
Dir::Etc::SourceList "$private/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$private/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$private/cache";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
C
  export APT_CONFIG="$private/apt.conf"
  apt-get update -qq
}
