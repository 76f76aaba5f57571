import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { toggleLanguage } from "../../src/commands/languages";
import { FakeCommandContext } from "../support/fakeCommandContext";
import { ConfigurationTarget, editor, Uri, window } from "../support/fakeVscode";

beforeEach(() => {
    editor.reset();
});

test("a language is switched off, on, and back by Undo", async () => {
    const name = "homespun.completion.disabledLanguages";
    editor.settings.set(name, { workspaceValue: ["markdown"] });
    editor.answers.set("python is no longer completed", "Undo");
    window.activeTextEditor = editor.editorOf(Uri.parse("file:///a.py"), {});
    await toggleLanguage(new FakeCommandContext());
    assert.deepEqual(editor.written, [
        [name, ["markdown", "python"], ConfigurationTarget.Workspace],
        [name, ["markdown"], ConfigurationTarget.Workspace],
    ]);
});

test("a language that the user has switched off everywhere is switched on there, and stays off without a yes", async () => {
    const name = "homespun.completion.disabledLanguages";
    editor.settings.set(name, { globalValue: ["python", "markdown"] });
    window.activeTextEditor = editor.editorOf(Uri.parse("file:///a.py"), {});
    await toggleLanguage(new FakeCommandContext());
    assert.deepEqual(editor.written, [[name, ["markdown"], ConfigurationTarget.Global]]);
    assert.match(editor.shown[0]?.message ?? "", /completed again/u);
});

test("without a document there is no language to switch", async () => {
    await toggleLanguage(new FakeCommandContext());
    assert.match(editor.shown[0]?.message ?? "", /open a document first/u);
    assert.deepEqual(editor.written, []);
});
