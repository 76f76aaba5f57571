import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import type { LocationItem } from "../../src/commands/locationPicker";
import { openSources } from "../../src/commands/sources";
import { FakeCommandContext } from "../support/fakeCommandContext";
import { editor, Position, Selection, Uri, window, type FakeQuickPick } from "../support/fakeVscode";

const URI = "file:///repository/pool.py";
const SOURCE = { path: "pool.py", start_line: 3, end_line: 4, score: 0.5, uri: URI, preview: "def take(self):" };

beforeEach(() => {
    editor.reset();
    editor.documents.set(URI, ["import a", "", "def take(self):", "    return 1"]);
});

async function picker(): Promise<FakeQuickPick<LocationItem>> {
    const context = new FakeCommandContext({ "homespun.showSources": [SOURCE] });
    await openSources(context);
    assert.deepEqual(context.calls, [["homespun.showSources"]]);
    return editor.quickPick as FakeQuickPick<LocationItem>;
}

function first(shown: FakeQuickPick<LocationItem>): LocationItem {
    const [item] = shown.items;
    assert.ok(item !== undefined);
    return item;
}

const settle = (): Promise<void> => new Promise(setImmediate);

test("a source is its place, with a line of it", async () => {
    const { label, detail } = first(await picker());
    assert.deepEqual([label, detail], ["pool.py:3-4", "def take(self):"]);
});

test("moving shows the lines in a preview, and leaves the focus in the list", async () => {
    const shown = await picker();
    shown.focus(first(shown));
    await settle();
    const [opened] = editor.opened;
    assert.deepEqual([opened?.uri, opened?.options["preview"], opened?.options["preserveFocus"]], [URI, true, true]);
    assert.deepEqual(opened?.editor.selection, new Selection(new Position(2, 0), new Position(3, 12)));
});

test("choosing opens the file with the cursor at the first line", async () => {
    const shown = await picker();
    shown.accept(first(shown));
    await settle();
    const [opened, ...others] = editor.opened;
    assert.deepEqual([opened?.options["preview"], opened?.options["preserveFocus"], others], [false, false, []]);
    assert.deepEqual(opened?.editor.selection, new Selection(new Position(2, 0), new Position(2, 0)));
    assert.equal(shown.isShown, false);
});

test("without a choice the editor is as it was", async () => {
    const before = editor.editorOf(Uri.parse("file:///repository/here.py"), {});
    before.selection = new Selection(new Position(7, 1), new Position(7, 1));
    window.activeTextEditor = before;
    const shown = await picker();
    shown.focus(first(shown));
    await settle();
    shown.hide();
    await settle();
    const last = editor.opened.at(-1);
    assert.deepEqual([last?.uri, last?.options["selection"]], ["file:///repository/here.py", before.selection]);
});

test("a file that has become shorter is opened at its end", async () => {
    editor.documents.set(URI, ["import a"]);
    const shown = await picker();
    shown.accept(first(shown));
    await settle();
    assert.deepEqual(editor.opened[0]?.editor.selection, new Selection(new Position(0, 0), new Position(0, 0)));
});

test("no sources is a sentence", async () => {
    await openSources(new FakeCommandContext({ "homespun.showSources": [] }));
    assert.match(editor.shown[0]?.message ?? "", /from its document alone, or there was none yet/u);
});
