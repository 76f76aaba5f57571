// Makes the extension's own Python environment and installs the server into it.

import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";

import { withLock } from "./lock";
import type { ManagedEnvironment } from "./managed";
import { failureOf, progressOf } from "./pip";
import type { Run } from "./processes";
import { findPython } from "./python";

/** It did not work; the message is a sentence for the user. */
export class InstallFailed extends Error {}

export interface Installation {
    readonly managed: ManagedEnvironment;
    readonly storage: string; // the extension's folder on this machine
    readonly constraints: string; // the file with the versions that were tested
    readonly installFrom: string; // a requirement, or the path of a wheel or of a clone
    readonly run: Run;
    readonly tell: (doing: string) => void;
    readonly log: (line: string) => void;
    readonly signal: AbortSignal;
}

/** Do it all; rejects with `InstallFailed`, or with the signal's reason. */
export async function install(wanted: Installation): Promise<void> {
    const from = requirement(wanted.installFrom);
    mkdirSync(wanted.storage, { recursive: true });
    let hasWaited = false;
    const waiting = (): void => {
        hasWaited = true;
        wanted.tell("waiting for another window that installs it");
    };
    await withLock(path.join(wanted.storage, "server.lock"), { signal: wanted.signal, waiting }, async () => {
        const isDone = hasWaited && wanted.managed.note()?.installedFrom === wanted.installFrom;
        if (!isDone) {
            await make(wanted, from);
        }
    });
}

async function make(wanted: Installation, from: string): Promise<void> {
    const { managed, storage, log, signal, tell } = wanted;
    const run: Run = (command, options) => {
        log(`running ${command.map((part) => JSON.stringify(part)).join(" ")}`);
        return wanted.run(command, { signal, line: log, ...options });
    };
    tell("looking for Python");
    const python = await findPython((command, options) => wanted.run(command, { signal, ...options }), storage);
    if (python.kind === "none") {
        throw new InstallFailed(python.sentence);
    }
    managed.begin();
    tell(`making an environment with Python ${python.version}`);
    const venv = await run([...python.command, "-I", "-m", "venv", "--clear", managed.folder], { cwd: storage });
    if (venv.code !== 0) {
        throw new InstallFailed(`Python could not make the environment ${managed.folder}; the log says why`);
    }
    const pip = [managed.python, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"];
    const line = (read: string): void => {
        log(read);
        const doing = progressOf(read);
        if (doing !== undefined) {
            tell(doing);
        }
    };
    const installed = await run([...pip, "--constraint", wanted.constraints, "--", from], { cwd: storage, line });
    if (installed.code !== 0) {
        throw new InstallFailed(failureOf(installed.lines, wanted.installFrom));
    }
    tell("trying it");
    const tried = await run([managed.homespun, "--version"], { cwd: storage });
    if (tried.code !== 0) {
        throw new InstallFailed(`the server was installed from ${wanted.installFrom}, but does not run; the log says why`);
    }
    managed.finish({ installedFrom: wanted.installFrom, python: python.version });
}

/** What pip is given: a path is made absolute and must exist. */
export function requirement(installFrom: string, home: string = homedir()): string {
    const isPath = /[\\/]/u.test(installFrom) || installFrom.endsWith(".whl") || installFrom.startsWith("~");
    const isUrl = /^(?:[a-z]+\+)?https?:\/\/|^[\w.-]+\s*@/u.test(installFrom);
    if (!isPath || isUrl) {
        return installFrom;
    }
    const expanded = installFrom.replace(/^~(?=[\\/]|$)/u, home);
    if (!path.isAbsolute(expanded)) {
        throw new InstallFailed(
            `the setting homespun.installFrom is ${JSON.stringify(installFrom)}; give the whole path of the wheel or the clone`,
        );
    }
    if (!existsSync(expanded)) {
        throw new InstallFailed(
            `the setting homespun.installFrom is ${JSON.stringify(installFrom)}, and there is no such file or folder`,
        );
    }
    return expanded;
}
