// Looks for a Python that can make a virtual environment.

import type { Run } from "./processes";
import { findProgram, liesIn, type Search } from "./programs";

export const MIN_PYTHON = [3, 11] as const;

export type Python =
    | { readonly kind: "found"; readonly command: readonly string[]; readonly version: string }
    | { readonly kind: "none"; readonly sentence: string };

/** Programs to try, the usual one first; on Windows the launcher knows which Pythons there are. */
export function candidates(platform: NodeJS.Platform): string[][] {
    const exact = ["3.14", "3.13", "3.12", "3.11"];
    return platform === "win32"
        ? [["py", "-3"], ["python"], ["python3"]]
        : [["python3"], ...exact.map((version) => [`python${version}`]), ["python"]];
}

// One line: version, whether venv can bring pip along, and the interpreter itself.
const PROBE = `import sys
try:
    import ensurepip, venv
    able = "venv"
except ImportError:
    able = "bare"
print("homespun-probe", "%d.%d.%d" % sys.version_info[:3], able, sys.executable)`;

/** Ask the candidates, the first that will do is taken. */
export async function findPython(run: Run, cwd: string, search: Search): Promise<Python> {
    const { opened, platform } = search;
    const seen: Probed[] = [];
    for (const [name = "", ...flags] of candidates(platform)) {
        const program = findProgram(name, search);
        const probed = program === undefined ? undefined : await probe(run, [program, ...flags], cwd);
        if (probed !== undefined && liesIn(opened, probed.executable, platform)) {
            continue; // a program outside that starts one of an opened folder
        }
        if (probed?.isRecent && probed.hasVenv) {
            return { kind: "found", command: [probed.executable], version: probed.version };
        }
        if (probed !== undefined) {
            seen.push(probed);
        }
    }
    return { kind: "none", sentence: refusal(seen, search) };
}

interface Probed {
    readonly executable: string;
    readonly version: string;
    readonly isRecent: boolean;
    readonly hasVenv: boolean;
}

async function probe(run: Run, command: readonly string[], cwd: string): Promise<Probed | undefined> {
    const { code, lines } = await run([...command, "-I", "-c", PROBE], { cwd });
    const found = /^homespun-probe (\d+)\.(\d+)\.(\d+) (venv|bare) (.+)$/mu.exec(lines.join("\n"));
    if (code !== 0 || found === null) {
        return undefined; // e.g. the entry of Windows that opens a shop
    }
    const [, major, minor, patch, able, executable = ""] = found;
    const [minMajor, minMinor] = MIN_PYTHON;
    const isRecent = Number(major) === minMajor && Number(minor) >= minMinor;
    return { executable, version: [major, minor, patch].join("."), isRecent, hasVenv: able === "venv" };
}

function refusal(seen: readonly Probed[], search: Search): string {
    const least = MIN_PYTHON.join(".");
    const bare = seen.find((probed) => probed.isRecent);
    if (bare !== undefined) {
        return `Python ${bare.version} (${bare.executable}) lacks the module venv or ensurepip, which Debian and `
            + "Ubuntu bring in the package python3-venv; install that and try again";
    }
    const passedOver = candidates(search.platform)
        .map(([name = ""]) => findProgram(name, { ...search, opened: [] }))
        .find((program) => program !== undefined && liesIn(search.opened, program, search.platform));
    if (seen.length === 0 && passedOver !== undefined) {
        return `Homespun's server needs Python ${least} or newer, and ${passedOver} lies in an opened folder, from which `
            + "nothing is run; install one outside of it, or open another folder and try again";
    }
    const where = search.platform === "win32" ? "python.org or the Microsoft Store" : "python.org or your system's packages";
    const found = seen.map((probed) => `${probed.version} (${probed.executable})`).join(", ");
    const there = found === "" ? "none is on the PATH that VS Code sees" : `what is there is too old: ${found}`;
    return `Homespun's server needs Python ${least} or newer, and ${there}; install it from ${where} and try again`;
}
