import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";

import { openReport, showReport } from "../../src/commands/report";
import { FakeCommandContext } from "../support/fakeCommandContext";
import { editor } from "../support/fakeVscode";
import { temporaryFolder } from "../support/folders";

beforeEach(() => {
    editor.reset();
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
