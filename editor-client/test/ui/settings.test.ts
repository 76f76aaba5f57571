import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import packageJson from "../../package.json";
import { givenSettings, serverCommand, serverSettings, toggleInList, type ServerSetting } from "../../src/ui/settings";
import { WorkspaceChoices } from "../../src/ui/workspaceChoices";
import { ConfigurationTarget, editor, workspace } from "../support/fakeVscode";
import { memento } from "../support/memento";

let choices: WorkspaceChoices;

beforeEach(() => {
    editor.reset();
    choices = new WorkspaceChoices(memento());
});

const shared = (...names: string[]): ServerSetting[] => names.map((name) => ({ name, isOfUser: false }));
const ofUser = (...names: string[]): ServerSetting[] => names.map((name) => ({ name, isOfUser: true }));

test("the server's settings are those of its sections", () => {
    const names = serverSettings(packageJson).map(({ name }) => name);
    assert.ok(names.includes("completion.maxTokens"));
    assert.ok(names.includes("index.maxFileBytes"));
    assert.ok(names.includes("server.saveDebounceMs"));
    assert.ok(!names.includes("serverCommand"));
    assert.ok(!names.includes("trace.server"));
});

test("only what is set is given, by section; defaults would hide homespun.toml", () => {
    editor.settings.set("homespun.completion.maxTokens", { defaultValue: 64 });
    editor.settings.set("homespun.completion.enabled", { defaultValue: true, globalValue: false });
    const given = givenSettings(shared("completion.maxTokens", "completion.enabled", "index.exclude"), choices);
    assert.deepEqual(given, { completion: { enabled: false }, index: {}, licences: {}, server: {} });
});

test("a workspace's value counts where the user has set none, and its lists add to the user's", () => {
    editor.settings.set("homespun.completion.maxTokens", { workspaceValue: 2 });
    editor.settings.set("homespun.completion.enabled", { globalValue: false, workspaceValue: true });
    editor.settings.set("homespun.index.exclude", { globalValue: ["private/"], workspaceValue: [] });
    editor.settings.set("homespun.completion.disabledLanguages", { globalValue: ["a"], workspaceValue: ["b", "a"] });
    const names = ["completion.maxTokens", "completion.enabled", "index.exclude", "completion.disabledLanguages"];
    assert.deepEqual(givenSettings(shared(...names), choices), {
        completion: { maxTokens: 2, enabled: false, disabledLanguages: ["a", "b"] },
        index: { exclude: ["private/"] },
        licences: {},
        server: {},
    });
});

test("what is the user's alone is never taken from a workspace or a folder of it", () => {
    const hostile = { workspaceValue: "/clone/evil", workspaceFolderValue: "/clone/evil" };
    for (const { name } of serverSettings(packageJson).filter(({ isOfUser }) => isOfUser)) {
        editor.settings.set(`homespun.${name}`, hostile);
    }
    assert.deepEqual(givenSettings(serverSettings(packageJson), choices), { completion: {}, index: {}, licences: {}, server: {} });
    const named = ["completion.model", "completion.adapter", "completion.threads", "index.encoder", "server.acceptanceLog"];
    assert.deepEqual(named.filter((name) => !serverSettings(packageJson).find((each) => each.name === name)?.isOfUser), []);
});

test("the server's command is never taken from a workspace", () => {
    editor.settings.set("homespun.serverCommand", { workspaceValue: ["/clone/evil"], workspaceFolderValue: ["/clone/evil"] });
    assert.deepEqual(serverCommand(), []);
    editor.settings.set("homespun.serverCommand", { globalValue: ["mine"], workspaceValue: ["/clone/evil"] });
    assert.deepEqual(serverCommand(), ["mine"]);
});

test("a choice for this workspace wins over the setting, and is kept outside of the workspace", async () => {
    editor.settings.set("homespun.completion.adapter", { globalValue: "none" });
    await choices.set("completion.adapter", "run-1");
    await choices.set("completion.other", 1);
    assert.deepEqual(givenSettings(ofUser("completion.adapter"), choices)["completion"], { adapter: "run-1" });
    assert.deepEqual(editor.written, []);
});

test("a value is put into the workspace's list, without a workspace into the user's", async () => {
    const name = "homespun.completion.disabledLanguages";
    assert.deepEqual(await toggleInList("completion.disabledLanguages", "python"), { isIn: true });
    assert.deepEqual(await toggleInList("completion.disabledLanguages", "python"), { isIn: false });
    workspace.workspaceFolders = undefined;
    await toggleInList("completion.disabledLanguages", "python");
    assert.deepEqual(editor.written, [
        [name, ["python"], ConfigurationTarget.Workspace],
        [name, [], ConfigurationTarget.Workspace],
        [name, ["python"], ConfigurationTarget.Global],
    ]);
});
