import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";

import { chooseServer } from "../../src/install/discovery";
import { ManagedEnvironment } from "../../src/install/managed";
import { findProgram, liesIn, type Environment, type Search } from "../../src/install/programs";
import { program, temporaryFolder } from "../support/folders";

const NONE = { command: ["/nowhere/python"], note: () => undefined };
const NOTE = { wheel: "aa", lock: "bb", python: "3.12.1" };

function search(environment: Environment, platform: NodeJS.Platform = "linux", opened: readonly string[] = []): Search {
    return { environment, platform, opened };
}

test("the setting comes first, and its program is looked for on the PATH", (context) => {
    const folder = temporaryFolder(context);
    const mine = program(folder, "mine");
    program(folder, "homespun");
    assert.deepEqual(chooseServer(["mine", "serve"], NONE, search({ PATH: folder })), {
        kind: "found",
        command: [mine, "serve"],
        origin: "the setting homespun.serverCommand",
    });
});

test("a setting that names nothing is said, not passed over", (context) => {
    const folder = temporaryFolder(context);
    program(folder, "homespun");
    const choice = chooseServer(["mine"], NONE, search({ PATH: folder }));
    assert.equal(choice.kind, "wrong");
    assert.match(choice.sentence, /serverCommand begins with "mine".*give its full path/u);
});

test("then homespun on the PATH, by its full path", (context) => {
    const folder = temporaryFolder(context);
    const homespun = program(folder, "homespun");
    const managed = { command: [program(path.join(folder, "own"), "python")], note: () => NOTE };
    const choice = chooseServer([], managed, search({ PATH: `/nowhere:${folder}` }));
    assert.deepEqual(choice, { kind: "found", command: [homespun, "serve", "--stdio"], origin: "the PATH" });
});

test("then the extension's own, if it is whole", (context) => {
    const own = program(path.join(temporaryFolder(context), "own"), "python");
    const command = [own, "-I", "-m", "homespun.cli"];
    const whole = chooseServer([], { command, note: () => NOTE }, search({}));
    assert.deepEqual(whole, { kind: "found", command: [...command, "serve", "--stdio"], origin: "the extension's own environment" });
    assert.deepEqual(chooseServer([], { command, note: () => undefined }, search({})), { kind: "missing" });
    assert.deepEqual(chooseServer([], { ...NONE, note: () => NOTE }, search({})), { kind: "missing" });
});

test("an environment is whole from its note on, and no longer when it is made anew", (context) => {
    const managed = new ManagedEnvironment(path.join(temporaryFolder(context), "storage"), "linux");
    assert.equal(managed.note(), undefined);
    managed.begin();
    assert.equal(managed.note(), undefined);
    managed.finish(NOTE);
    assert.deepEqual(managed.note(), NOTE);
    managed.begin();
    assert.equal(managed.note(), undefined);
});

test("a broken note is none", (context) => {
    const storage = temporaryFolder(context);
    writeFileSync(path.join(storage, "server.json"), '{"version": 1, "installedFr');
    assert.equal(new ManagedEnvironment(storage).note(), undefined);
});

test("its programs are where Python puts them", () => {
    const { command } = new ManagedEnvironment("/storage", "linux");
    assert.deepEqual(command, ["/storage/server/bin/python", "-I", "-X", "utf8", "-m", "homespun.cli"]);
    assert.equal(new ManagedEnvironment("/storage", "win32").python, "/storage/server/Scripts/python.exe");
});

test("a folder, a file that cannot be run, and a relative folder of the PATH are no programs", (context) => {
    const folder = temporaryFolder(context);
    mkdirSync(path.join(folder, "homespun"));
    assert.equal(findProgram("homespun", search({ PATH: folder })), undefined);
    writeFileSync(path.join(folder, "plain"), "", { mode: 0o644 });
    assert.equal(findProgram("plain", search({ PATH: folder })), undefined);
    program(folder, "there");
    assert.equal(findProgram("there", search({ PATH: path.relative(process.cwd(), folder) })), undefined);
});

test("a program of an opened folder is none, by whatever path it is on the PATH", (context) => {
    const outside = temporaryFolder(context);
    const opened = path.join(outside, "clone");
    const bin = path.join(opened, ".venv", "bin");
    const planted = program(bin, "homespun");
    mkdirSync(path.join(outside, "bin"));
    symlinkSync(planted, path.join(outside, "bin", "homespun"));
    symlinkSync(bin, path.join(outside, "scripts"));
    symlinkSync(opened, path.join(outside, "other-name"));
    for (const folder of [bin, path.join(outside, "bin"), path.join(outside, "scripts"), `${opened}/../clone/.venv/bin`]) {
        for (const root of [opened, path.join(outside, "other-name")]) {
            const searched = search({ PATH: folder }, "linux", [root]);
            assert.equal(findProgram("homespun", searched), undefined, folder);
            const choice = chooseServer([], NONE, searched);
            assert.equal(choice.kind, "missing");
            assert.equal(choice.passedOver, path.join(folder, "homespun"));
            assert.equal(chooseServer(["homespun", "serve"], NONE, searched).kind, "wrong");
        }
    }
    const real = program(path.join(outside, "clone-of-mine"), "homespun");
    const both = search({ PATH: `${bin}:${path.dirname(real)}` }, "linux", [opened]);
    assert.deepEqual(chooseServer([], NONE, both), { kind: "found", command: [real, "serve", "--stdio"], origin: "the PATH" });
    const named = chooseServer([planted, "serve"], NONE, search({}, "linux", [opened]));
    assert.deepEqual(named, { kind: "found", command: [planted, "serve"], origin: "the setting homespun.serverCommand" });
});

test("a link to a program outside is of the opened folder, as a virtual environment's Python is", (context) => {
    const outside = temporaryFolder(context);
    const opened = path.join(outside, "clone");
    mkdirSync(opened);
    symlinkSync(program(outside, "python3"), path.join(opened, "python3"));
    assert.equal(findProgram("python3", search({ PATH: opened }, "linux", [opened])), undefined);
    assert.ok(liesIn(["/Users/Me/Clone"], "/users/me/clone/bin/python3", "darwin"));
    assert.ok(!liesIn(["/home/me/clone"], "/home/me/clones/bin/python3", "linux"));
    assert.ok(liesIn(["/"], "/usr/bin/python3", "linux"));
});

test("on Windows the ending is found, and PATH may be spelt Path", (context) => {
    const folder = temporaryFolder(context);
    program(folder, "homespun.cmd"); // Node refuses to run these
    assert.equal(findProgram("homespun", search({ Path: `"${folder}"` }, "win32")), undefined);
    const found = program(folder, "homespun.exe");
    assert.equal(findProgram("homespun", search({ Path: `"${folder}"` }, "win32")), found);
});
