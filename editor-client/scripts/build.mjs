// Bundles: `build.mjs extension` makes dist/, `build.mjs tests` makes build/tests/.

import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { build } from "esbuild";

const common = { bundle: true, platform: "node", format: "cjs", target: "node20", logLevel: "warning" };

const builds = {
    async extension() {
        rmSync("dist", { recursive: true, force: true });
        await build({
            ...common,
            entryPoints: ["src/extension.ts"],
            outfile: "dist/extension.js",
            external: ["vscode"],
            minify: true,
        });
        copyFileSync("../constraints.txt", "dist/constraints.txt"); // the versions that were tested
    },
    async tests() {
        rmSync("build/tests", { recursive: true, force: true });
        mkdirSync("build/tests", { recursive: true });
        const all = readdirSync("test").filter((name) => name.endsWith(".test.ts"));
        const bundle = (names, vscode) =>
            build({
                ...common,
                entryPoints: names.map((name) => join("test", name)),
                outdir: "build/tests",
                outExtension: { ".js": ".cjs" },
                alias: { vscode },
                sourcemap: "inline",
            });
        await bundle(all.filter((name) => !name.endsWith(".edge.test.ts")), "./test/fake_vscode.ts");
        await bundle(all.filter((name) => name.endsWith(".edge.test.ts")), "./test/whole_vscode.ts");
    },
};

const wanted = builds[process.argv[2]];
if (wanted === undefined) {
    throw new Error(`build.mjs takes one of ${Object.keys(builds).join(", ")}, not ${process.argv[2]}`);
}
await wanted();
