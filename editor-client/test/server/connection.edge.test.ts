// The edge to vscode-languageclient with the real library and a server in a process of its own.

import assert from "node:assert/strict";
import { realpathSync } from "node:fs";
import * as path from "node:path";
import { beforeEach, test, type TestContext } from "node:test";

import { record, type Status } from "../../src/protocol";
import { connect } from "../../src/server/connection";
import type { Events } from "../../src/server/lifecycle";
import { FakeLog } from "../support/fakeLog";
import { editor } from "../support/fakeVscode";
import { temporaryFolder } from "../support/folders";

const SERVER = path.resolve("test", "support", "fakeServer.cjs"); // "test" is the workspace, too
let cwd: string;
const SETTINGS = { completion: { maxTokens: 32 }, index: {}, server: {} };

class Seen implements Events {
    readonly first: Promise<Status>;
    readonly death: Promise<string>;
    status: (status: Status) => void = () => undefined;
    died: (reason: string) => void = () => undefined;

    constructor() {
        this.first = new Promise((resolve) => {
            this.status = resolve;
        });
        this.death = new Promise((resolve) => {
            this.died = resolve;
        });
    }
}

const start = (events: Events, mode: string): ReturnType<typeof connect> =>
    connect([process.execPath, SERVER, mode], events, { cwd, log: new FakeLog().channel, settings: () => SETTINGS });

beforeEach((context) => {
    cwd = path.join(temporaryFolder(context as TestContext), "storage");
    editor.reset();
});

test("tells what it understands and what is set, and nothing that is not", async () => {
    const events = new Seen();
    const connection = await start(events, "serve");
    assert.equal((await events.first).percent, 43);
    const seen = record(await connection.call("seen", 1, "two"));
    const initialize = record(seen["initialize"]);
    const capabilities = record(initialize["capabilities"]);
    assert.deepEqual(capabilities["experimental"], { homespun: { status: true } });
    assert.equal(record(capabilities["window"])["workDoneProgress"], false);
    assert.deepEqual(record(capabilities["workspace"])["configuration"], true);
    assert.deepEqual(initialize["initializationOptions"], SETTINGS);
    assert.equal(initialize["processId"], process.pid);
    assert.deepEqual(seen["configuration"], [SETTINGS]);
    assert.deepEqual(seen["given"], [1, "two"]);
    assert.equal(connection.version, "9.9");
    await connection.stop();
});

test("a server begins outside of the workspace, and no variable brings modules along", async () => {
    process.env["PYTHONPATH"] = ":src";
    try {
        const events = new Seen();
        const connection = await start(events, "serve");
        await events.first;
        const seen = record(await connection.call("seen"));
        assert.equal(seen["cwd"], realpathSync(cwd));
        const environment = record(seen["environment"]);
        assert.deepEqual([environment["PYTHONPATH"], environment["PYTHONSAFEPATH"]], [undefined, "1"]);
        assert.equal(environment["PATH"], process.env["PATH"]);
        await connection.stop();
    } finally {
        delete process.env["PYTHONPATH"];
    }
});

test("what the server says is shown, and nothing in it is a link", async () => {
    const events = new Seen();
    const connection = await start(events, "serve");
    await events.first;
    assert.deepEqual(editor.shown, [{ severity: "warning", message: "[evil.toml] (command:evil) is wrong", buttons: [] }]);
    await connection.stop();
});

test("a server that dies is told, once, and shows no message", async () => {
    const events = new Seen();
    const connection = await start(events, "serve");
    await events.first;
    editor.reset();
    await assert.rejects(connection.call("die"));
    assert.equal(await events.death, "");
    assert.deepEqual(editor.shown, []);
});

test("a server that is stopped has not died", async () => {
    const events = new Seen();
    let isDead = false;
    const connection = await start(events, "serve");
    void events.death.then(() => {
        isDead = true;
    });
    await events.first;
    editor.reset();
    await connection.stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(isDead, false);
    assert.deepEqual(editor.shown, []);
});

test("a server that does not come up is an error with its own sentence, and no message", async () => {
    await assert.rejects(start(new Seen(), "refuse"), { message: "fake: no such model" });
    assert.deepEqual(editor.shown, []);
});

test("a program that is not there is an error", async () => {
    const connecting = connect(["/nowhere/homespun"], new Seen(), { cwd, log: new FakeLog().channel, settings: () => SETTINGS });
    await assert.rejects(connecting, /ENOENT/u);
    assert.deepEqual(editor.shown, []);
});
