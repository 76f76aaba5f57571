// Makes the extension's own Python environment and installs the server into it: the wheel that came with
// the extension, and what that needs from the package index, all of it by its sha256.

import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";

import { withLock } from "./lock";
import type { ManagedEnvironment } from "./managed";
import { failureOf, progressOf } from "./pip";
import type { Run } from "./processes";
import type { Search } from "./programs";
import { findPython } from "./python";
import { isWhole, type Shipped, type ShippedFile } from "./shipped";

/** It did not work; the message is a sentence for the user. */
export class InstallFailed extends Error {}

export interface Installation {
    readonly managed: ManagedEnvironment;
    readonly storage: string; // the extension's folder on this machine
    readonly shipped: Shipped;
    readonly search: Search; // for a Python
    readonly run: Run;
    readonly tell: (doing: string) => void;
    readonly log: (line: string) => void;
    readonly signal: AbortSignal;
}

/** Do it all; rejects with `InstallFailed`, or with the signal's reason. */
export async function install(wanted: Installation): Promise<void> {
    await check(wanted.shipped);
    mkdirSync(wanted.storage, { recursive: true });
    let hasWaited = false;
    const waiting = (): void => {
        hasWaited = true;
        wanted.tell("waiting for another window that installs it");
    };
    await withLock(path.join(wanted.storage, "server.lock"), { signal: wanted.signal, waiting }, async () => {
        if (!hasWaited || !isInstalled(wanted)) {
            await make(wanted);
        }
    });
}

/** Whether what is installed is what comes with this extension. */
export function isInstalled({ managed, shipped }: Pick<Installation, "managed" | "shipped">): boolean {
    const note = managed.note();
    return note?.wheel === shipped.wheel.sha256 && note.lock === shipped.lock.sha256;
}

async function check({ wheel, lock }: Shipped): Promise<void> {
    for (const file of [wheel, lock]) {
        if (!(await isWhole(file))) {
            throw new InstallFailed(
                `${file.path} is not the file that was packaged with this extension (another sha256, or it is gone); `
                    + "nothing was installed; install the extension again",
            );
        }
    }
}

async function make(wanted: Installation): Promise<void> {
    const { managed, shipped, storage, log, signal, tell } = wanted;
    const run: Run = (command, options) => {
        log(`running ${command.map((part) => JSON.stringify(part)).join(" ")}`);
        return wanted.run(command, { signal, line: log, ...options });
    };
    tell("looking for Python");
    const python = await findPython((command, options) => wanted.run(command, { signal, ...options }), storage, wanted.search);
    if (python.kind === "none") {
        throw new InstallFailed(python.sentence);
    }
    managed.begin();
    tell(`making an environment with Python ${python.version}`);
    const venv = await run([...python.command, "-I", "-m", "venv", "--clear", managed.folder], { cwd: storage });
    if (venv.code !== 0) {
        throw new InstallFailed(`Python could not make the environment ${managed.folder}; the log says why`);
    }
    const pip = async (...given: string[]): Promise<void> => {
        const line = (read: string): void => {
            log(read);
            const doing = progressOf(read);
            if (doing !== undefined) {
                tell(doing);
            }
        };
        const installed = await run([...pipInstall(managed.python), ...given], { cwd: storage, line });
        if (installed.code !== 0) {
            throw new InstallFailed(failureOf(installed.lines));
        }
    };
    await pip("--requirement", shipped.lock.path);
    tell("Installing homespun");
    const server = path.join(storage, "server.txt");
    writeFileSync(server, requirement(shipped.wheel));
    await pip("--no-index", "--no-deps", "--requirement", server);
    tell("trying it");
    const tried = await run([...managed.command, "--version"], { cwd: storage });
    if (tried.code !== 0) {
        throw new InstallFailed("the server was installed, but does not run; the log says why");
    }
    managed.finish({ wheel: shipped.wheel.sha256, lock: shipped.lock.sha256, python: python.version });
}

/** pip as it is always asked: wheels alone, each by its hash, so that no index can give anything else. */
function pipInstall(python: string): string[] {
    const pip = [python, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"];
    return [...pip, "--require-hashes", "--only-binary=:all:"];
}

/** A line of a requirements file: the wheel by path and hash; no name is looked up. */
function requirement({ path: file, sha256 }: ShippedFile): string {
    return `homespun @ ${pathToFileURL(file).href} --hash=sha256:${sha256}\n`;
}
