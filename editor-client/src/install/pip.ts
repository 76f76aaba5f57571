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

const BY_HAND = "install homespun yourself and give the setting homespun.serverCommand its path";

/** Why an installation failed and what to do, in one sentence. */
export function failureOf(lines: readonly string[]): string {
    const all = lines.join("\n");
    if (/DO NOT MATCH THE HASHES|HashMismatch/u.test(all)) {
        const what = /^\s+(\S+) from /mu.exec(all)?.[1] ?? "a package";
        return `what the package index gave for ${what} is not what was locked (another sha256), and was not installed; `
            + "look at the index that pip is set to, and try again";
    }
    if (OFFLINE.test(all)) {
        return "the package index cannot be reached, so what the server needs cannot be installed; connect to the "
            + `network and try again, or ${BY_HAND}`;
    }
    const missing = /No matching distribution found for (\S+)/u.exec(all)?.[1];
    if (missing !== undefined) {
        return `the package index has no wheel of ${missing} for this system and its Python (the server runs on Linux, on `
            + `Windows and on macOS 14 with Apple's processors, with Python 3.11 to 3.14); otherwise ${BY_HAND}`;
    }
    if (all.includes("No space left on device")) {
        return "the disk is full; the server and what it needs take about 1 GB";
    }
    const error = lines.findLast((line) => line.startsWith("ERROR:"))?.slice("ERROR:".length).trim();
    const reason = error === undefined ? "the log says more" : error.replace(/[.;\s]+$/u, "");
    return `pip could not install the server (${reason}); try again, or ${BY_HAND}`;
}
