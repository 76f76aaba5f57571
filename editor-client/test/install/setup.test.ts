import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { InstallFailed, type Installation } from "../../src/install/install";
import { ManagedEnvironment } from "../../src/install/managed";
import { SetUp } from "../../src/install/setup";
import type { Status } from "../../src/protocol";
import { FakeLog } from "../support/fakeLog";
import { editor } from "../support/fakeVscode";
import { temporaryFolder } from "../support/folders";
import { memento } from "../support/memento";

let remembered: Map<string, unknown>;
let done: string[];
let shown: Status[];
let log: FakeLog;
let work: (wanted: Installation) => Promise<void>;
let setUp: SetUp;
let managed: ManagedEnvironment;

beforeEach(() => {
    editor.reset();
    log = new FakeLog();
    remembered = new Map();
    managed = new ManagedEnvironment("/storage");
    [done, shown] = [[], []];
    work = () => Promise.resolve();
    setUp = new SetUp({
        what: () => ({
            managed,
            storage: "/storage",
            shipped: { wheel: { path: "/a.whl", sha256: "aa" }, lock: { path: "/a.lock", sha256: "bb" } },
            search: { environment: {}, platform: "linux", opened: [] },
            run: () => Promise.reject(new Error("not here")),
        }),
        install: (wanted) => {
            done.push("install");
            return work(wanted);
        },
        log: log.channel,
        remembered: memento(remembered),
        show: (status) => shown.push(status),
        startServer: () => Promise.resolve(void done.push("start")),
        stopServer: () => Promise.resolve(void done.push("stop")),
    });
});

test("nothing is installed without a yes", async () => {
    await setUp.offer();
    assert.equal(editor.shown[0]?.severity, "information");
    assert.deepEqual(editor.shown[0].buttons, ["Install the Server", "Open Settings", "Not Now"]);
    assert.deepEqual(done, []);
    await setUp.offer(); // dismissed is not declined
    assert.equal(editor.shown.length, 2);
});

test("after a no it is not asked again, until it is asked for", async () => {
    editor.answers.set("Install it", "Not Now");
    await setUp.offer();
    await setUp.offer();
    assert.equal(editor.shown.length, 1);
    await setUp.run();
    assert.deepEqual(done, ["stop", "install", "start"]);
    await setUp.offer();
    assert.equal(editor.shown.length, 2);
});

test("after a yes it installs with progress, and starts the server", async () => {
    editor.answers.set("Install it", "Install the Server");
    work = ({ tell }) => {
        tell("Collecting numpy");
        return Promise.resolve();
    };
    await setUp.offer();
    assert.deepEqual(done, ["stop", "install", "start"]);
    assert.deepEqual(editor.progress, ["Collecting numpy"]);
    assert.deepEqual(shown.map(({ state, message }) => [state, message]), [["starting", "installing the server: Collecting numpy"]]);
});

test("a failure is a sentence with buttons and a status with a fix, and can be tried again", async () => {
    editor.answers.set("disk is full", "Try Again");
    let count = 0;
    work = () => {
        count += 1;
        return count === 1 ? Promise.reject(new InstallFailed("the disk is full")) : Promise.resolve();
    };
    await setUp.run();
    const status = shown.at(-1);
    assert.deepEqual([status?.state, status?.message, status?.fix?.command], ["problem", "the disk is full", "homespun.setUp"]);
    await new Promise(setImmediate);
    assert.equal(editor.shown[0]?.message, "Homespun: The disk is full.");
    assert.deepEqual(editor.shown[0].buttons, ["Try Again", "Open Settings", "Show Log"]);
    assert.deepEqual(done, ["stop", "install", "stop", "install", "start"]);
});

test("a failure of ours is told as one", async () => {
    work = () => Promise.reject(new TypeError("undefined is not a function"));
    await setUp.run();
    assert.equal(shown.at(-1)?.message, "the installation failed: TypeError: undefined is not a function");
});

test("cancelling is no failure", async () => {
    work = ({ signal }) =>
        new Promise((_, reject) => {
            signal.addEventListener("abort", () => {
                reject(new InstallFailed("killed"));
            });
            editor.cancel();
        });
    await setUp.run();
    assert.deepEqual(editor.shown, []);
    assert.equal(shown.at(-1)?.fix?.title, "Install the Server");
    assert.deepEqual(done, ["stop", "install"]);
});

test("another server than the extension's is offered once, and nothing is done without a yes", async (context) => {
    managed = new ManagedEnvironment(temporaryFolder(context));
    managed.finish({ wheel: "aa", lock: "bb", python: "3.12.1" });
    await setUp.offerAnother();
    assert.deepEqual(editor.shown, []);
    managed.finish({ wheel: "aa", lock: "another", python: "3.12.1" });
    await setUp.offerAnother();
    await setUp.offerAnother();
    assert.deepEqual(editor.shown.map(({ message }) => message), [
        "Homespun's server was installed by another version of this extension; its own comes with it.",
    ]);
    assert.deepEqual(done, []);
});

test("a second call goes along with the first", async () => {
    await Promise.all([setUp.run(), setUp.run()]);
    assert.deepEqual(done, ["stop", "install", "start"]);
});
