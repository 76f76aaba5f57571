// Which server is started: the one of the setting, the one on the PATH, or the extension's own.

import type { ManagedEnvironment } from "./managed";
import { findProgram, type Environment } from "./programs";

/** Where the command comes from. */
export type Origin = "the setting homespun.serverCommand" | "the PATH" | "the extension's own environment";

export type Choice =
    | { readonly kind: "found"; readonly command: readonly string[]; readonly origin: Origin }
    | { readonly kind: "wrong"; readonly sentence: string } // the setting names nothing that can be run
    | { readonly kind: "missing" };

const SERVE = ["serve", "--stdio"];

export function chooseServer(
    setting: readonly string[],
    managed: Pick<ManagedEnvironment, "homespun" | "note">,
    environment: Environment = process.env,
    platform: NodeJS.Platform = process.platform,
): Choice {
    const [named, ...given] = setting;
    if (named !== undefined) {
        const program = findProgram(named, environment, platform);
        return program === undefined
            ? { kind: "wrong", sentence: notFound(named) }
            : { kind: "found", command: [program, ...given], origin: "the setting homespun.serverCommand" };
    }
    const onPath = findProgram("homespun", environment, platform);
    if (onPath !== undefined) {
        return { kind: "found", command: [onPath, ...SERVE], origin: "the PATH" };
    }
    const own = managed.note() === undefined ? undefined : findProgram(managed.homespun, environment, platform);
    return own === undefined
        ? { kind: "missing" }
        : { kind: "found", command: [own, ...SERVE], origin: "the extension's own environment" };
}

function notFound(name: string): string {
    return `the setting homespun.serverCommand begins with ${JSON.stringify(name)}, which is no program on the PATH `
        + "that VS Code sees; give its full path, or remove the setting";
}
