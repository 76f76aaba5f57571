#!/bin/bash
# Puts a Python for arm64 into DIR: Debian bookworm's, unpacked beside the system, and the wheels of requirements.lock and arm64.txt.
# Call: setup_arm64.sh DIR   -> DIR/root (Debian, 3.11), DIR/site (the wheels); what is there already stays, if nothing has changed
# Nothing is installed here and no root is needed: qemu-user runs it. 2 GB, and a network the first time.
# Env:  PYTHON = interpreter whose pip fetches the wheels; DEBIAN_MIRROR = archive (as apt here); DEBIAN_KEYRING = its keys.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,5p' "$0" >&2; exit 2; }
mkdir -p "$1"
D=$(cd "$1" && pwd)
HERE=$(cd "$(dirname "$0")" && pwd)
LOCK=$HERE/../../requirements.lock

say() { echo "setup_arm64: $*" >&2; }

RECIPE=$(cat "$0" "$HERE/arm64.txt" "$LOCK" | sha256sum)
[ "$(cat "$D/done" 2>/dev/null || true)" != "$RECIPE" ] || exit 0
rm -rf "$D/done" "$D/root" "$D/site" "$D/apt"

for program in apt-get dpkg-deb; do
  command -v "$program" >/dev/null || { say "no '$program' on the PATH; arm64's Python is made of Debian's packages, on Debian or what comes of it"; exit 1; }
done
KEYRING=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
[ -e "$KEYRING" ] || { say "no Debian keys at '$KEYRING'; install debian-archive-keyring, or say in DEBIAN_KEYRING where they are"; exit 1; }
MIRROR=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | sort -u | head -1)}
[ -n "$MIRROR" ] || { say "apt knows no archive of Debian here; say in DEBIAN_MIRROR which to take"; exit 1; }

# An apt of its own for another processor, that knows nothing but bookworm and has nothing installed.
mkdir -p "$D"/apt/{lists/partial,cache/archives/partial,parts}
: >"$D/apt/status"
echo "deb [signed-by=$KEYRING] $MIRROR bookworm main" >"$D/apt/sources.list"
APT=(apt-get -o APT::Architecture=arm64 -o APT::Architectures::=arm64
  -o "Dir::Etc::sourcelist=$D/apt/sources.list" -o "Dir::Etc::sourceparts=$D/apt/parts"
  -o "Dir::State::lists=$D/apt/lists" -o "Dir::State::status=$D/apt/status" -o "Dir::Cache=$D/apt/cache"
  -o Acquire::Languages=none -o APT::Sandbox::User=root --quiet=2)
"${APT[@]}" update
"${APT[@]}" install --yes --download-only --no-install-recommends python3.11 libstdc++6
mkdir "$D/root"
for package in "$D"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$D/root"; done
rm -r "$D/apt"

# pip does not know what Debian's C library, 2.36, can take, so all that it can are named.
PLATFORMS=(--platform manylinux2014_aarch64)
for minor in $(seq 17 36); do PLATFORMS+=(--platform "manylinux_2_${minor}_aarch64"); done
for list in "$LOCK" "$HERE/arm64.txt"; do
  "${PYTHON:-python3}" -m pip --disable-pip-version-check --quiet install --target "$D/site" --no-deps --require-hashes \
    --only-binary=:all: "${PLATFORMS[@]}" --implementation cp --abi cp311 --abi abi3 --abi none --python-version 3.11 -r "$list"
done
echo "$RECIPE" >"$D/done"
