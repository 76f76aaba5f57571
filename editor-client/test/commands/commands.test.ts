import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";

import packageJson from "../../package.json";
import { acceptancePage } from "../../src/commands/acceptance";
import { actionItems } from "../../src/commands/actions";
import { adapterItems, chooseAdapter, type AdapterItem } from "../../src/commands/adapters";
import { complain } from "../../src/commands/context";
import { toggleLanguage } from "../../src/commands/languages";
import { pauseForAnHour, resume } from "../../src/commands/pause";
import { openReport, showReport } from "../../src/commands/report";
import { explain } from "../../src/commands/why";
import { ownStatus, readAdapters } from "../../src/protocol";
import { NotRunning } from "../../src/server/lifecycle";
import { FakeCommandContext } from "../support/fakeCommandContext";
import { FakeLog } from "../support/fakeLog";
import { ConfigurationTarget, editor, Uri, window, type FakeQuickPick } from "../support/fakeVscode";
import { temporaryFolder } from "../support/folders";

beforeEach(() => {
    editor.reset();
});

const settle = (): Promise<void> => new Promise(setImmediate);

test("every action is a command that package.json declares, or one of VS Code", () => {
    const declared = packageJson.contributes.commands.map((each) => each.command);
    const statuses = [ownStatus("ready", ""), ownStatus("paused", "")];
    const used = statuses.flatMap((status) => actionItems(status, "python").map((item) => item.command ?? ""));
    assert.deepEqual(used.filter((name) => name.startsWith("homespun.") && !declared.includes(name)), []);
});

test("the fix of a problem comes first", () => {
    const fix = { title: "Fetch the model (398 MB)", command: "homespun.fetchModel", arguments: [1] };
    const [first] = actionItems(ownStatus("problem", "no model", fix), undefined);
    assert.deepEqual(first, { label: "$(wrench) Fetch the model (398 MB)", command: "homespun.fetchModel", given: [1] });
});

test("who pauses is offered to resume, once", () => {
    const labels = (status: Parameters<typeof actionItems>[0]): string[] =>
        actionItems(status, "python").map((item) => item.label).filter((label) => /pause|resume/iu.test(label));
    assert.deepEqual(labels(ownStatus("ready", "")), ["$(debug-pause) Pause for an hour"]);
    assert.deepEqual(labels(ownStatus("paused", "")), ["$(play) Resume"]);
    const fix = { title: "Resume", command: "homespun.resume", arguments: [] };
    assert.deepEqual(labels(ownStatus("paused", "", fix)), ["$(wrench) Resume"]);
});

test("a pause is an hour, and an old server that knows none is an error", async () => {
    const context = new FakeCommandContext({ "homespun.pause": { state: "paused" }, "homespun.resume": { state: "ready" } });
    await pauseForAnHour(context);
    await resume(context);
    assert.deepEqual(context.calls, [["homespun.pause", 60], ["homespun.resume"]]);
    assert.deepEqual(context.fake.lines, ["info homespun.pause: paused", "info homespun.resume: ready"]);
    await assert.rejects(pauseForAnHour(new FakeCommandContext()), /older than this extension/u);
});

const ADAPTERS = {
    serving: "run-1",
    setting: "champion",
    choices: [
        { id: "champion", title: "promoted", detail: "run-1: better", state: "", report: null, fits: true, why: "" },
        { id: "run-1", title: "run-1", detail: "better", state: "champion", report: "file:///r/report.html", fits: true, why: "" },
        { id: "run-0", title: "run-0", detail: "", state: "retired", report: null, fits: false, why: "made for another model" },
    ],
    message: "",
};

test("adapters say what they are; the one in force is ticked, one that does not fit says why", () => {
    const items = adapterItems(readAdapters(ADAPTERS));
    assert.deepEqual(items.map(({ label, description, detail }) => [label, description, detail]), [
        ["$(check) promoted", "champion", "run-1: better"],
        ["run-1", "champion", "better"],
        ["run-0", "retired", "$(warning) made for another model"],
    ]);
    assert.deepEqual(items.map(({ buttons }) => buttons?.length), [0, 1, 0]);
});

test("choosing an adapter is the user's choice and writes nothing into the workspace, unless it does not fit", async () => {
    const context = new FakeCommandContext({ "homespun.adapters": ADAPTERS });
    for (const position of [1, 2]) {
        await chooseAdapter(context);
        const picker = editor.quickPick as FakeQuickPick<AdapterItem>;
        const [item] = picker.items.slice(position);
        assert.ok(item !== undefined);
        picker.accept(item);
        await settle();
    }
    assert.deepEqual([context.chosen, editor.written], [[["completion.adapter", "run-1"]], []]);
    assert.equal(editor.shown[0]?.message, "Homespun: run-0 cannot serve: made for another model");
});

test("no report is the server's sentence", async () => {
    await showReport(new FakeCommandContext({ "homespun.report": { uri: null, message: "no training has written a report" } }));
    assert.equal(editor.shown[0]?.message, "Homespun: no training has written a report.");
});

const HOSTILE = `<!DOCTYPE html><html><head><meta http-equiv="Content-Security-Policy" content="default-src *">
<script>run()</script></head><body onload="run()"><img src="https://example.org/seen.png"></body></html>`;

test("a report's page has no script and fetches nothing, whatever it says itself", async (context) => {
    const file = path.join(temporaryFolder(context), "report.html");
    writeFileSync(file, HOSTILE);
    await showReport(new FakeCommandContext({ "homespun.report": { uri: pathToFileURL(file).href, message: "" } }));
    const [panel] = editor.panels;
    assert.deepEqual(panel?.options, { enableScripts: false, enableForms: false, enableCommandUris: false, localResourceRoots: [] });
    const html = panel.webview.html;
    const policy = /^<!doctype html><html><head><meta http-equiv="Content-Security-Policy" content="([^"]+)">/u.exec(html)?.[1];
    assert.match(policy ?? "", /^default-src 'none';/u);
    assert.doesNotMatch(policy ?? "", /script-src|https?:|\*/u);
    assert.ok(html.indexOf(policy ?? "-") < html.indexOf("<script>"));
});

test("a link, a folder, and a page without end are no report", async (context) => {
    const folder = temporaryFolder(context);
    writeFileSync(path.join(folder, "secret"), "of the user");
    symlinkSync(path.join(folder, "secret"), path.join(folder, "link.html"));
    mkdirSync(path.join(folder, "folder.html"));
    writeFileSync(path.join(folder, "large.html"), Buffer.alloc(20_000_001));
    for (const name of ["link.html", "folder.html", "large.html"]) {
        await assert.rejects(openReport(pathToFileURL(path.join(folder, name)).href), /is no report/u);
    }
    assert.deepEqual(editor.panels, []);
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

test("acceptance is a table with shares, intervals and counts", () => {
    const share = { share: 0.25, hits: 3, of: 12, low: 0.089, high: 0.532 };
    const none = { share: null, hits: 0, of: 0, low: 0, high: 1 };
    const kept = [{ after: "30 s", unchanged: share, mostly_unchanged: none, chars: 0.5 }];
    const group = { value: "all", shown: 12, accepted: share, in_full: share, in_part: none, accepted_of_seen: none, typed: none, chars: { accepted: 90 }, kept };
    const page = acceptancePage({ first: "2026-11-20T10:00:00Z", last: "2026-11-21T10:00:00Z", groups: [group], message: "12 suggestions" });
    assert.match(page, /^2026-11-20 to 2026-11-21$/mu);
    assert.match(page, /^\| +\| +all \|\n\|-+\|-+:\|$/mu);
    assert.match(page, /^\| accepted +\| 25 % \(9-53\), 3\/12 \|$/mu);
    assert.match(page, /^\| - in part +\| +- \|$/mu);
    assert.match(page, /^\| unchanged after 30 s +\| 25 % \(9-53\), 3\/12 \|$/mu);
    assert.match(page, /^\| - of the characters +\| +50 % \|$/mu);
    assert.match(page, /^12 suggestions$/mu);
});

test("no figures are a sentence", () => {
    const page = acceptancePage({ groups: [{ value: "all", shown: 0, kept: [] }], first: null, message: "nothing is recorded yet" });
    assert.match(page, /^nothing is recorded yet$/mu);
    assert.ok(!page.includes("|"));
});

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
