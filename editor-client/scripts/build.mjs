// Bundles: `build.mjs extension` makes dist/, `build.mjs tests` makes build/tests/.

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

import { build } from "esbuild";

const common = { bundle: true, platform: "node", format: "cjs", target: "node20", logLevel: "warning" };

const builds = {
    async extension() {
        rmSync("dist", { recursive: true, force: true });
        mkdirSync("dist");
        const SHIPPED = JSON.stringify({ wheel: shipped(wheel()), lock: shipped("../requirements.lock") });
        await build({
            ...common,
            entryPoints: ["src/extension.ts"],
            outfile: "dist/extension.js",
            external: ["vscode"],
            minify: true,
            define: { SHIPPED },
        });
    },
    async tests() {
        rmSync("build/tests", { recursive: true, force: true });
        mkdirSync("build/tests", { recursive: true });
        const all = readdirSync("test", { recursive: true }).filter((name) => name.endsWith(".test.ts"));
        const bundle = (names, vscode) =>
            build({
                ...common,
                entryPoints: names.map((name) => join("test", name)),
                outdir: "build/tests",
                entryNames: "[name]", // in one folder, which every version of `node --test` runs whole
                outExtension: { ".js": ".cjs" },
                alias: { vscode },
                sourcemap: "inline",
            });
        await bundle(all.filter((name) => !name.endsWith(".edge.test.ts")), "./test/support/fakeVscode.ts");
        await bundle(all.filter((name) => name.endsWith(".edge.test.ts")), "./test/support/wholeVscode.ts");
    },
};

/** The server's wheel, which `make vsix` builds of the checkout. */
function wheel() {
    const folder = "build/wheel";
    const found = readdirSync(folder).filter((name) => name.endsWith(".whl"));
    if (found.length !== 1) {
        throw new Error(`${folder} holds ${found.length} wheels instead of one; make vsix builds it`);
    }
    return join(folder, found[0]);
}

/** Lay a file beside the code; its name and sha256 go into the code. */
function shipped(file) {
    copyFileSync(file, join("dist", basename(file)));
    return [basename(file), createHash("sha256").update(readFileSync(file)).digest("hex")];
}

const wanted = builds[process.argv[2]];
if (wanted === undefined) {
    throw new Error(`build.mjs takes one of ${Object.keys(builds).join(", ")}, not ${process.argv[2]}`);
}
await wanted();
