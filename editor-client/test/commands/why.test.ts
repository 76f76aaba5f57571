import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { explain } from "../../src/commands/why";
import { FakeCommandContext } from "../support/fakeCommandContext";
import { editor } from "../support/fakeVscode";

beforeEach(() => {
    editor.reset();
});

test("why nothing is the sentence, with the setting that it names", async () => {
    editor.answers.set("setting completion", "Open Setting");
    const sentence = "Nothing: 12 characters stand right of the cursor; the setting completion.maxLineSuffixChars allows 8.";
    await explain(new FakeCommandContext({ "homespun.why": { shown: false, sentence, reason: "text-on-the-right", details: {} } }));
    assert.deepEqual(editor.shown[0]?.buttons, ["Open Setting", "Details"]);
    assert.deepEqual(editor.executed, [["workbench.action.openSettings", "homespun.completion.maxLineSuffixChars"]]);
});

test("where VS Code shows no ghost text it says so, and asks no server", async () => {
    editor.settings.set("editor.inlineSuggest.enabled", { globalValue: false });
    editor.answers.set("shows no ghost text", "Open Setting");
    const context = new FakeCommandContext();
    await explain(context);
    assert.deepEqual(context.calls, []);
    assert.deepEqual(editor.executed, [["workbench.action.openSettings", "editor.inlineSuggest.enabled"]]);
});

test("why this suggestion has its sources and the details as a page", async () => {
    editor.answers.set("Written by", "Details");
    const source = { path: "a.py", start_line: 1, end_line: 2, uri: "file:///a.py", preview: "x" };
    const context = new FakeCommandContext({ "homespun.why": { shown: true, sentence: "Written by q.", details: { sources: [source] } } });
    await explain(context);
    assert.deepEqual(editor.shown[0]?.buttons, ["Show Sources", "Details"]);
    assert.match(context.pages[0]?.[1] ?? "", /^# Why this suggestion\n\nWritten by q\.\n\n```json\n\{\n {2}"sources"/u);
});
