// The extension's own Python environment: where it is, and the note that says it is whole.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";

import { number, record, text } from "../protocol";

const NOTE_VERSION = 2; // of what stands in the note

/** Written last, so an environment without it was broken off. */
export interface Note {
    readonly wheel: string; // sha256 of the server's wheel
    readonly lock: string; // sha256 of the list of what it needs
    readonly python: string;
}

export class ManagedEnvironment {
    readonly folder: string;
    readonly #note: string;
    readonly #scripts: string;
    readonly #ending: string;

    /** Lives under `storage`, the extension's folder on this machine. */
    constructor(storage: string, platform: NodeJS.Platform = process.platform) {
        const isWindows = platform === "win32";
        this.folder = path.join(storage, "server");
        this.#note = path.join(storage, "server.json");
        this.#scripts = path.join(this.folder, isWindows ? "Scripts" : "bin");
        this.#ending = isWindows ? ".exe" : "";
    }

    get python(): string {
        return path.join(this.#scripts, `python${this.#ending}`);
    }

    /** The server's command: isolated, so neither the current folder nor a variable brings modules. */
    get command(): string[] {
        return [this.python, "-I", "-X", "utf8", "-m", "homespun.cli"];
    }

    /** What is installed; undefined where nothing whole is. */
    note(): Note | undefined {
        const body = record(readJson(this.#note));
        const [wheel, lock] = [text(body["wheel"]), text(body["lock"])];
        return number(body["version"]) === NOTE_VERSION && wheel !== "" && lock !== ""
            ? { wheel, lock, python: text(body["python"]) }
            : undefined;
    }

    /** Note that the environment is whole. */
    finish(note: Note): void {
        writeFileSync(this.#note, JSON.stringify({ version: NOTE_VERSION, ...note }));
    }

    /** Note that it is not, from now on. */
    begin(): void {
        mkdirSync(path.dirname(this.#note), { recursive: true });
        writeFileSync(this.#note, "{}");
    }
}

function readJson(file: string): unknown {
    let content: string;
    try {
        content = readFileSync(file, "utf8");
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") {
            return undefined;
        }
        throw error;
    }
    try {
        return JSON.parse(content);
    } catch (error) {
        if (error instanceof SyntaxError) {
            return undefined; // half written: as good as none
        }
        throw error;
    }
}
