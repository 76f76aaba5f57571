// One window at a time: a file that names the process at work.

import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_AGAIN_MS = 1000;
const WRITTEN_WITHIN_MS = 10_000; // a lock that names nobody for longer was broken off

/** Do `work` while no other process does; `waiting` is told once when another one is at it. */
export async function withLock<T>(
    file: string,
    { signal, waiting }: { signal: AbortSignal; waiting: () => void },
    work: () => Promise<T>,
): Promise<T> {
    for (let round = 0; !take(file); round += 1) {
        if (isLeft(file)) {
            rmSync(file, { force: true });
            continue;
        }
        if (round === 0) {
            waiting();
        }
        await sleep(LOOK_AGAIN_MS, undefined, { signal });
    }
    try {
        return await work();
    } finally {
        rmSync(file, { force: true });
    }
}

function take(file: string): boolean {
    try {
        writeFileSync(file, String(process.pid), { flag: "wx" });
        return true;
    } catch (error) {
        if (codeOf(error) === "EEXIST") {
            return false;
        }
        throw error;
    }
}

/** Whether whoever took it is gone. */
function isLeft(file: string): boolean {
    try {
        const pid = Number(readFileSync(file, "utf8"));
        if (Number.isSafeInteger(pid) && pid > 0) {
            return !isAlive(pid);
        }
        return Date.now() - statSync(file).mtimeMs > WRITTEN_WITHIN_MS;
    } catch (error) {
        if (codeOf(error) === "ENOENT") {
            return true; // given back in this moment
        }
        throw error;
    }
}

function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return codeOf(error) === "EPERM"; // alive, and another user's
    }
}

function codeOf(error: unknown): string | undefined {
    return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
