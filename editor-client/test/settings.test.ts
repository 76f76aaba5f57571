import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import packageJson from "../package.json";
import { givenSettings, serverSettings, writeSetting } from "../src/settings";
import { ConfigurationTarget, editor, workspace } from "./fake_vscode";

beforeEach(() => {
    editor.reset();
});

test("the server's settings are those of its sections", () => {
    const names = serverSettings(packageJson);
    assert.ok(names.includes("completion.maxTokens"));
    assert.ok(names.includes("index.maxFileBytes"));
    assert.ok(names.includes("server.saveDebounceMs"));
    assert.ok(!names.includes("serverCommand"));
    assert.ok(!names.includes("trace.server"));
});

test("only what is set is given, by section; defaults would hide homespun.toml", () => {
    editor.settings.set("homespun.completion.maxTokens", { defaultValue: 64 });
    editor.settings.set("homespun.completion.enabled", { defaultValue: true, globalValue: false });
    const given = givenSettings(["completion.maxTokens", "completion.enabled", "index.exclude"]);
    assert.deepEqual(given, { completion: { enabled: false }, index: {}, server: {} });
});

test("the workspace wins over the user, a folder over the workspace", () => {
    editor.settings.set("homespun.completion.maxTokens", { globalValue: 1, workspaceValue: 2 });
    editor.settings.set("homespun.completion.maxLines", { globalValue: 1, workspaceValue: 2, workspaceFolderValue: 3 });
    const given = givenSettings(["completion.maxTokens", "completion.maxLines"]);
    assert.deepEqual(given["completion"], { maxTokens: 2, maxLines: 3 });
});

test("a setting is written to the workspace, without one to the user", async () => {
    await writeSetting("completion.adapter", "none");
    workspace.workspaceFolders = undefined;
    await writeSetting("completion.adapter", "none");
    assert.deepEqual(editor.written, [
        ["homespun.completion.adapter", "none", ConfigurationTarget.Workspace],
        ["homespun.completion.adapter", "none", ConfigurationTarget.Global],
    ]);
});
