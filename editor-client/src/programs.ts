// Programs by name, looked for on the PATH by ourselves: Windows would begin in the workspace.

import { accessSync, constants, statSync } from "node:fs";
import * as path from "node:path";

/** The environment in which programs are looked for and run. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The full path of a program, undefined where there is none. A name is looked for in the folders of
 * the PATH, without those that are relative; anything with a slash is taken as it stands.
 */
export function findProgram(
    name: string,
    environment: Environment = process.env,
    platform: NodeJS.Platform = process.platform,
): string | undefined {
    const isWindows = platform === "win32";
    const endings = isWindows ? ["", ".exe", ".com"] : [""];
    const hasFolder = name.includes("/") || (isWindows && name.includes("\\"));
    const folders = hasFolder ? [""] : searchPath(environment, isWindows).filter((folder) => path.isAbsolute(folder));
    const candidates = folders.flatMap((folder) => endings.map((ending) => path.join(folder, name + ending)));
    return candidates.find((file) => isProgram(file, isWindows));
}

function searchPath(environment: Environment, isWindows: boolean): string[] {
    const key = Object.keys(environment).find((name) => (isWindows ? name.toUpperCase() : name) === "PATH");
    const value = key === undefined ? "" : (environment[key] ?? "");
    return value.split(isWindows ? ";" : ":").map((folder) => folder.replace(/^"(.*)"$/u, "$1"));
}

function isProgram(file: string, isWindows: boolean): boolean {
    try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile() && (!isWindows || /\.(?:exe|com)$/iu.test(file));
    } catch (error) {
        if (error instanceof Error && "code" in error) {
            return false; // not there, or not for us
        }
        throw error;
    }
}
