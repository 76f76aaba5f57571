import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { complain } from "../../src/commands/context";
import { NotRunning } from "../../src/server/lifecycle";
import { FakeLog } from "../support/fakeLog";
import { editor } from "../support/fakeVscode";

beforeEach(() => {
    editor.reset();
});

const settle = (): Promise<void> => new Promise(setImmediate);

test("a command that fails is a sentence with a button, and its trace is in the log", async () => {
    const log = new FakeLog();
    editor.answers.set("not running", "Restart the Server");
    complain(log.channel, new NotRunning("Homespun's server is not running."));
    complain(log.channel, new TypeError("no such thing"));
    await settle();
    assert.deepEqual(editor.shown.map(({ message, buttons }) => [message, buttons]), [
        ["Homespun's server is not running.", ["Restart the Server", "Show Log"]],
        ["Homespun: no such thing", ["Show Log"]],
    ]);
    assert.deepEqual(editor.executed, [["homespun.restart"]]);
    assert.match(log.lines[1] ?? "", /^error TypeError: no such thing\n {4}at /u);
});
