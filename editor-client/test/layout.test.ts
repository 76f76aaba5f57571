import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";

// Each imports from itself and from what stands before it.
const ORDER = ["protocol", "ui", "install", "server", "commands", "extension"];
const MAX_FILES = 12; // of a folder

interface Import {
    readonly file: string; // without ".ts", as in `ui/status`
    readonly imported: string;
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.slice(0, -".ts".length).replaceAll(path.sep, "/"));
const imports = files.flatMap(importsOf);

test("a folder imports from those before it, not from those behind", () => {
    const backwards = imports.filter(({ file, imported }) => rank(imported) > rank(file));
    assert.deepEqual(backwards, []);
    assert.ok(imports.some(({ file, imported }) => file === "server/connection" && imported === "ui/messages"));
});

test("files do not import each other in a circle, types included", () => {
    const left = new Set(files);
    for (;;) {
        const within = imports.filter(({ file, imported }) => left.has(file) && left.has(imported));
        const isEnd = (name: string, side: keyof Import): boolean => !within.some((each) => each[side] === name);
        const free = [...left].filter((name) => isEnd(name, "file") || isEnd(name, "imported"));
        if (free.length === 0) {
            break;
        }
        free.forEach((file) => left.delete(file));
    }
    assert.deepEqual([...left], []);
});

test("a folder is no heap", () => {
    const folders = files.map((file) => path.posix.dirname(file));
    const large = [...new Set(folders)].filter((folder) => folders.filter((each) => each === folder).length > MAX_FILES);
    assert.deepEqual(large, []);
});

function importsOf(file: string): Import[] {
    const found = readFileSync(path.join("src", `${file}.ts`), "utf8").matchAll(/(?:from|import\(|require\() ?"(\.[^"]+)"/gu);
    return [...found].map(([, name = ""]) => ({ file, imported: path.posix.join(path.posix.dirname(file), name) }));
}

function rank(file: string): number {
    const rank = ORDER.indexOf(file.split("/", 1)[0] ?? "");
    assert.ok(rank >= 0, `${file} is in none of ${ORDER.join(", ")}`);
    return rank;
}
