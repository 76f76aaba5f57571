// Programs by name, looked for on the PATH by ourselves: Windows would begin in the workspace.

import { accessSync, constants, realpathSync, statSync } from "node:fs";
import * as path from "node:path";

/** The environment in which programs are looked for and run. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where programs are looked for by name. */
export interface Search {
    readonly environment: Environment;
    readonly platform: NodeJS.Platform;
    /** The folders that are open: whatever lies in one came with it, so nothing there is a program. */
    readonly opened: readonly string[];
}

/** On this machine, as VS Code sees it. */
export function searchHere(opened: readonly string[]): Search {
    return { environment: process.env, platform: process.platform, opened };
}

/**
 * The full path of a program, undefined where there is none. A name is looked for in the folders of
 * the PATH, without those that are relative or lie in an opened folder, also by a link; anything with
 * a slash is taken as it stands.
 */
export function findProgram(name: string, { environment, platform, opened }: Search): string | undefined {
    const isWindows = platform === "win32";
    const endings = isWindows ? ["", ".exe", ".com"] : [""];
    if (name.includes("/") || (isWindows && name.includes("\\"))) {
        return endings.map((ending) => name + ending).find((file) => isProgram(file, isWindows));
    }
    const folders = searchPath(environment, isWindows).filter((folder) => path.isAbsolute(folder));
    const candidates = folders.flatMap((folder) => endings.map((ending) => path.join(folder, name + ending)));
    return candidates.find((file) => isProgram(file, isWindows) && !liesIn(opened, file, platform));
}

/** Whether a file lies in one of the folders, as it is written or where its links lead. */
export function liesIn(folders: readonly string[], file: string, platform: NodeJS.Platform): boolean {
    const spelt = (name: string): string => (platform === "linux" ? name : name.toLowerCase());
    const files = [path.resolve(file), real(path.dirname(file)), real(file)].map(spelt);
    const roots = folders.flatMap((folder) => [path.resolve(folder), real(folder)]).map(spelt);
    return roots.some((root) => files.some((each) => isWithin(root, each)));
}

function isWithin(root: string, file: string): boolean {
    const relative = path.relative(root, file);
    return relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** Where links lead; a path that leads nowhere is itself. */
function real(name: string): string {
    try {
        return realpathSync(name);
    } catch (error) {
        if (error instanceof Error && "code" in error) {
            return path.resolve(name);
        }
        throw error;
    }
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
