import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";

import { chooseServer } from "../src/environment";
import { ManagedEnvironment } from "../src/managed";
import { findProgram } from "../src/programs";
import { program, temporaryFolder } from "./folders";

const NONE = { homespun: "/nowhere/homespun", note: () => undefined };
const NOTE = { installedFrom: "homespun==0.1.0", python: "3.12.1" };

test("the setting comes first, and its program is looked for on the PATH", (context) => {
    const folder = temporaryFolder(context);
    const mine = program(folder, "mine");
    program(folder, "homespun");
    assert.deepEqual(chooseServer(["mine", "serve"], NONE, { PATH: folder }, "linux"), {
        kind: "found",
        command: [mine, "serve"],
        origin: "the setting homespun.serverCommand",
    });
});

test("a setting that names nothing is said, not passed over", (context) => {
    const folder = temporaryFolder(context);
    program(folder, "homespun");
    const choice = chooseServer(["mine"], NONE, { PATH: folder }, "linux");
    assert.equal(choice.kind, "wrong");
    assert.match(choice.sentence, /serverCommand begins with "mine".*give its full path/u);
});

test("then homespun on the PATH, by its full path", (context) => {
    const folder = temporaryFolder(context);
    const homespun = program(folder, "homespun");
    const managed = { homespun: program(path.join(folder, "own"), "homespun"), note: () => NOTE };
    const choice = chooseServer([], managed, { PATH: `/nowhere:${folder}` }, "linux");
    assert.deepEqual(choice, { kind: "found", command: [homespun, "serve", "--stdio"], origin: "the PATH" });
});

test("then the extension's own, if it is whole", (context) => {
    const own = program(path.join(temporaryFolder(context), "own"), "homespun");
    const whole = chooseServer([], { homespun: own, note: () => NOTE }, {}, "linux");
    assert.deepEqual(whole, { kind: "found", command: [own, "serve", "--stdio"], origin: "the extension's own environment" });
    assert.deepEqual(chooseServer([], { homespun: own, note: () => undefined }, {}, "linux"), { kind: "missing" });
    assert.deepEqual(chooseServer([], { ...NONE, note: () => NOTE }, {}, "linux"), { kind: "missing" });
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
    assert.equal(new ManagedEnvironment("/storage", "linux").homespun, "/storage/server/bin/homespun");
    assert.equal(new ManagedEnvironment("/storage", "win32").python, "/storage/server/Scripts/python.exe");
});

test("a folder, a file that cannot be run, and a relative folder of the PATH are no programs", (context) => {
    const folder = temporaryFolder(context);
    mkdirSync(path.join(folder, "homespun"));
    assert.equal(findProgram("homespun", { PATH: folder }, "linux"), undefined);
    writeFileSync(path.join(folder, "plain"), "", { mode: 0o644 });
    assert.equal(findProgram("plain", { PATH: folder }, "linux"), undefined);
    program(folder, "there");
    assert.equal(findProgram("there", { PATH: path.relative(process.cwd(), folder) }, "linux"), undefined);
});

test("on Windows the ending is found, and PATH may be spelt Path", (context) => {
    const folder = temporaryFolder(context);
    program(folder, "homespun.cmd"); // Node refuses to run these
    assert.equal(findProgram("homespun", { Path: `"${folder}"` }, "win32"), undefined);
    const found = program(folder, "homespun.exe");
    assert.equal(findProgram("homespun", { Path: `"${folder}"` }, "win32"), found);
});
