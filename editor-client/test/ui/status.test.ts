import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ownStatus, type Fix, type Status } from "../../src/protocol";
import { StatusItem } from "../../src/ui/status";
import { FakeLog } from "../support/fakeLog";
import { editor } from "../support/fakeVscode";

const FETCH: Fix = { title: "Fetch the model (398 MB)", command: "homespun.fetchModel", arguments: [] };
const MISSING = ownStatus("problem", "the model is missing", FETCH);

let log: FakeLog;
let ran: Fix[];
let item: StatusItem;

beforeEach(() => {
    editor.reset();
    log = new FakeLog();
    ran = [];
    item = new StatusItem(log.channel, (fix) => ran.push(fix));
});

test("it is there at once and a click shows the actions", () => {
    const shown = editor.statusBarItem;
    assert.deepEqual([shown?.isVisible, shown?.text, shown?.command], [
        true,
        "$(loading~spin) Homespun: starting",
        "homespun.showActions",
    ]);
});

test("every other state is a line of the log, a percent is none", () => {
    const indexing: Status = { ...ownStatus("indexing", ""), percent: 1 };
    item.show(indexing);
    item.show({ ...indexing, percent: 2 });
    item.show(ownStatus("ready", ""));
    assert.deepEqual(log.lines, ["info status: starting -> indexing", "info status: indexing -> ready"]);
    assert.equal(editor.statusBarItem?.accessibilityInformation?.label, "Homespun: ready");
});

test("a problem is coloured, and its link may run its fix and nothing else", () => {
    const looks = (): unknown[] => [editor.statusBarItem?.backgroundColor?.id, editor.statusBarItem?.tooltip?.isTrusted];
    item.show(MISSING);
    assert.deepEqual(looks(), ["statusBarItem.warningBackground", { enabledCommands: ["homespun.fetchModel"] }]);
    item.show(ownStatus("ready", ""));
    assert.deepEqual(looks(), [undefined, { enabledCommands: [] }]);
});

test("a problem with a fix is one message, however often it comes", async () => {
    editor.answers.set("model is missing", FETCH.title);
    item.show(MISSING);
    item.show(ownStatus("ready", ""));
    item.show(MISSING);
    await Promise.resolve();
    const expected = { severity: "warning", message: "Homespun: The model is missing.", buttons: [FETCH.title] };
    assert.deepEqual(editor.shown, [expected]);
    assert.deepEqual(ran, [FETCH]);
});

test("a problem without a fix, or one that somebody else asks about, is no message", () => {
    item.show(ownStatus("problem", "the disk is full"));
    item.show(MISSING, false);
    assert.deepEqual(editor.shown, []);
});
