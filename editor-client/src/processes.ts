// Runs a program to its end, line by line; cancelling ends it and what it started.

import { spawn, type ChildProcess } from "node:child_process";
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

// Python of another environment must not look into ours.
const HARMFUL_VARIABLES = ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"];

/** The user's environment without what would lead a Python astray. */
export function cleanEnvironment(environment: Environment = process.env): Record<string, string | undefined> {
    const kept = Object.entries(environment).filter(([name]) => !HARMFUL_VARIABLES.includes(name));
    return { ...Object.fromEntries(kept), PYTHONUTF8: "1" };
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
        spawn("taskkill", ["/pid", String(child.pid), "/T", "/F"], { windowsHide: true });
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
