import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { adapterItems, chooseAdapter, type AdapterItem } from "../../src/commands/adapters";
import { readAdapters } from "../../src/protocol";
import { FakeCommandContext } from "../support/fakeCommandContext";
import { editor, type FakeQuickPick } from "../support/fakeVscode";

beforeEach(() => {
    editor.reset();
});

const settle = (): Promise<void> => new Promise(setImmediate);

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
