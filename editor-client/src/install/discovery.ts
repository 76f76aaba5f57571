// Which server is started: the one of the setting, the one on the PATH, or the extension's own.

import type { ManagedEnvironment } from "./managed";
import { findProgram, type Search } from "./programs";

/** Where the command comes from. */
export type Origin = "the setting homespun.serverCommand" | "the PATH" | "the extension's own environment";

export type ServerChoice =
    | { readonly kind: "found"; readonly command: readonly string[]; readonly origin: Origin }
    | { readonly kind: "wrong"; readonly sentence: string } // the setting names nothing that can be run
    | { readonly kind: "missing"; readonly passedOver?: string }; // a homespun of the PATH that an opened folder brings

const SERVE = ["serve", "--stdio"];

export function chooseServer(
    setting: readonly string[],
    managed: Pick<ManagedEnvironment, "command" | "note">,
    search: Search,
): ServerChoice {
    const [named, ...given] = setting;
    if (named !== undefined) {
        const program = findProgram(named, search);
        return program === undefined
            ? { kind: "wrong", sentence: notFound(named) }
            : { kind: "found", command: [program, ...given], origin: "the setting homespun.serverCommand" };
    }
    const onPath = findProgram("homespun", search);
    if (onPath !== undefined) {
        return { kind: "found", command: [onPath, ...SERVE], origin: "the PATH" };
    }
    const [python = "", ...flags] = managed.command;
    if (managed.note() !== undefined && findProgram(python, search) !== undefined) {
        return { kind: "found", command: [python, ...flags, ...SERVE], origin: "the extension's own environment" };
    }
    const passedOver = findProgram("homespun", { ...search, opened: [] });
    return { kind: "missing", ...(passedOver === undefined ? {} : { passedOver }) };
}

function notFound(name: string): string {
    return `the setting homespun.serverCommand begins with ${JSON.stringify(name)}, which is no program on the PATH `
        + "that VS Code sees, outside of the opened folders; give its full path, or remove the setting";
}
