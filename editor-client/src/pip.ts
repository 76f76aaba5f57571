// Reads what pip says: how far it is, and why it failed.

/** What is going on, for the progress message; undefined where a line says nothing of that kind. */
export function progressOf(line: string): string | undefined {
    const found = /^\s*(Collecting|Downloading|Building wheel for|Using cached) (\S+)(?:.*?(\([\d.]+ [kMG]?B\)))?/u.exec(line);
    if (found !== null) {
        const [, doing = "", what = "", size] = found;
        const name = what.split("/").at(-1) ?? what;
        return [doing === "Using cached" ? "Taking" : doing, name, size].filter(Boolean).join(" ");
    }
    return line.startsWith("Installing collected packages") ? "Installing" : undefined;
}

const OFFLINE = new RegExp(
    [
        "Temporary failure in name resolution",
        "Name or service not known",
        "nodename nor servname",
        "getaddrinfo failed",
        "Failed to establish a new connection",
        "Network is unreachable",
        "ConnectTimeout",
        "ProxyError",
        "Connection refused",
    ].join("|"),
    "u",
);

const FROM_A_CLONE =
    "install it from a clone or a wheel: give the setting homespun.installFrom the path of the clone's folder or of "
    + "the .whl file, or install it yourself and give homespun.serverCommand its path";

/** Why an installation failed and what to do, in one sentence. */
export function failureOf(lines: readonly string[], installFrom: string): string {
    const all = lines.join("\n");
    if (OFFLINE.test(all)) {
        return "the package index cannot be reached, so what the server needs cannot be installed; connect to the "
            + "network and try again, or install homespun yourself and give homespun.serverCommand its path";
    }
    if (/No matching distribution found for homespun\b/u.test(all)) {
        return `the package index has no ${installFrom}; ${FROM_A_CLONE}`;
    }
    if (all.includes("No space left on device")) {
        return "the disk is full; the server and what it needs take about 1 GB";
    }
    const error = lines.findLast((line) => line.startsWith("ERROR:"))?.slice("ERROR:".length).trim();
    const reason = error === undefined ? "the log says more" : error.replace(/[.;\s]+$/u, "");
    return `pip could not install ${installFrom} (${reason}); ${FROM_A_CLONE}`;
}
