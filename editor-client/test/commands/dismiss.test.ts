import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { dismiss } from "../../src/commands/dismiss";
import { ownStatus } from "../../src/protocol";
import { FakeCommandContext } from "../support/fakeCommandContext";
import { editor, Uri, window } from "../support/fakeVscode";

beforeEach(() => {
    editor.reset();
});

test("a suggestion is hidden, and the server hears in which document", async () => {
    const context = new FakeCommandContext();
    window.activeTextEditor = editor.editorOf(Uri.parse("file:///a.py"), {});
    await dismiss(context);
    assert.deepEqual(editor.executed, [["editor.action.inlineSuggest.hide"]]);
    assert.deepEqual(context.calls, [["homespun.dismissed", "", "file:///a.py"]]);
});

test("without a server or a document it is only hidden", async () => {
    const context = new FakeCommandContext();
    await dismiss(context);
    context.shown = ownStatus("off", "");
    window.activeTextEditor = editor.editorOf(Uri.parse("file:///a.py"), {});
    await dismiss(context);
    assert.equal(editor.executed.length, 2);
    assert.deepEqual(context.calls, []);
});
