// Runs a program to its end, line by line; cancelling ends it and what it started.

import { spawn, type ChildProcess } from "node:child_process";
import * as path from "node:path";
import { createInterface } from "node:readline";

import type { Environment } from "./programs";

export interface Finished {
    readonly code: number | null; // null = killed
    readonly lines: readonly string[]; // of stdout and stderr, as they came
}

export interface RunOptions {
    readonly cwd: string;
    readonly line?: (line: string) => void;
    readonly signal?: AbortSignal;
}

/** `run`, or a stand-in. Rejects where the program cannot be started, or with the signal's reason. */
export type Run = (command: readonly string[], options: RunOptions) => Promise<Finished>;

// Python of another environment must not look into ours, and pip installs what it is told, where it is told.
const HARMFUL_VARIABLES = /^(?:PYTHON\w*|VIRTUAL_ENV|__PYVENV_LAUNCHER__|PIP_\w+)$/iu;

// Which index is asked, and how: a mirror can give nothing else, because of the hashes.
const KEPT_OF_PIP =
    /^PIP_(?:INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CERT|CLIENT_CERT|PROXY|CONFIG_FILE|(?:DEFAULT_)?TIMEOUT|RETRIES|CACHE_DIR|NO_CACHE_DIR|KEYRING_PROVIDER)$/iu;

/**
 * The user's environment without what would lead a Python astray; `PYTHONSAFEPATH` keeps it from
 * taking modules out of the current folder.
 */
export function cleanEnvironment(environment: Environment = process.env): Record<string, string | undefined> {
    const kept = Object.entries(environment).filter(([name]) => !HARMFUL_VARIABLES.test(name) || KEPT_OF_PIP.test(name));
    return { ...Object.fromEntries(kept), PYTHONUTF8: "1", PYTHONSAFEPATH: "1" };
}

/** The same as changes of the environment of this process: undefined = left out. */
export function environmentChanges(environment: Environment = process.env): Record<string, string | undefined> {
    const left = Object.fromEntries(Object.keys(environment).map((name) => [name, undefined]));
    return { ...left, ...cleanEnvironment(environment) };
}

export const run: Run = async ([program = "", ...given], { cwd, line, signal }) => {
    signal?.throwIfAborted();
    const lines: string[] = [];
    const child = spawn(program, given, {
        cwd,
        env: cleanEnvironment(),
        stdio: ["ignore", "pipe", "pipe"],
        detached: process.platform !== "win32", // a group of its own, to be killed as one
        windowsHide: true,
    });
    for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream, crlfDelay: Infinity }).on("line", (read) => {
            lines.push(read);
            line?.(read);
        });
    }
    const kill = (): void => {
        killGroup(child);
    };
    signal?.addEventListener("abort", kill);
    try {
        const code = await new Promise<number | null>((resolve, reject) => {
            child.on("error", reject);
            child.on("close", resolve);
        });
        signal?.throwIfAborted();
        return { code, lines };
    } finally {
        signal?.removeEventListener("abort", kill);
    }
};

function killGroup(child: ChildProcess): void {
    if (child.pid === undefined || child.exitCode !== null) {
        return;
    }
    if (process.platform === "win32") {
        const windows = process.env["SystemRoot"] ?? "C:\\Windows";
        spawn(path.join(windows, "System32", "taskkill.exe"), ["/pid", String(child.pid), "/T", "/F"], { windowsHide: true });
        return;
    }
    try {
        process.kill(-child.pid, "SIGTERM");
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
            throw error;
        }
    }
}
