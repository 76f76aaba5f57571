import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { beforeEach, test } from "node:test";

import { complain } from "../../src/commands/context";
import { explain } from "../../src/commands/why";
import { FakeCommandContext } from "../support/fakeCommandContext";
import { FakeLog } from "../support/fakeLog";
import { editor } from "../support/fakeVscode";

beforeEach(() => {
    editor.reset();
});

test("a name of the repository is no link to a command in a message", async () => {
    const name = "[the reason](command:workbench.action.terminal.sendSequence?%7B%22text%22%3A%22run%22%7D)";
    await explain(new FakeCommandContext({ "homespun.why": { shown: true, sentence: `Written from ${name}.`, details: {} } }));
    complain(new FakeLog().channel, new Error(`no file ${name}`));
    assert.equal(editor.shown.length, 2);
    for (const { message } of editor.shown) {
        assert.match(message, /the reason/u);
        assert.doesNotMatch(message, /\]\(/u);
    }
});

test("every message goes through the one place that keeps links out", () => {
    const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
    const showing = files.filter((file) => /show(?:Information|Warning|Error)Message\(/u.test(readFileSync(path.join("src", file), "utf8")));
    assert.deepEqual(showing, [path.join("ui", "messages.ts")]);
});
