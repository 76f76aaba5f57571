import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import type { LocationItem } from "../../src/commands/locationPicker";
import { LatestSearch, searchRepository } from "../../src/commands/search";
import { FakeCommandContext } from "../support/fakeCommandContext";
import { editor, Uri, window, type FakeQuickPick } from "../support/fakeVscode";

type Found = Parameters<ConstructorParameters<typeof LatestSearch>[1]["found"]>[0];

beforeEach(() => {
    editor.reset();
});

const HIT = { path: "pool.py", start_line: 3, end_line: 9, symbol: "Pool.take", uri: "file:///r/pool.py", text: "def take(self):" };
const after = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("keys that come together are one question, with the folder of the document at hand", async () => {
    window.activeTextEditor = editor.editorOf(Uri.parse("file:///r/here.py"), {});
    const context = new FakeCommandContext({ "homespun.search": { hits: [HIT], message: "the index is being made" } });
    searchRepository(context);
    const picker = editor.quickPick as FakeQuickPick<LocationItem>;
    for (const typed of ["t", "ta", "take "]) {
        picker.type(typed);
    }
    assert.equal(picker.busy, true);
    while (picker.items.length === 0) {
        await after(10);
    }
    await after(0);
    assert.deepEqual(context.calls, [["homespun.search", "take", { limit: 30, uri: "file:///r/here.py" }]]);
    const [item] = picker.items;
    assert.deepEqual([item?.label, item?.description, item?.detail, item?.alwaysShow], ["pool.py:3-9", "Pool.take", "def take(self):", true]);
    assert.equal(picker.title, "Search the repository: the index is being made");
    assert.equal(picker.busy, false);
});

interface Scene {
    readonly search: LatestSearch;
    readonly found: Found[];
    readonly failed: unknown[];
    readonly answers: Map<string, { resolve: (found: Found) => void; reject: (error: unknown) => void }>;
}

function scene(): Scene {
    const [found, failed]: [Found[], unknown[]] = [[], []];
    const answers: Scene["answers"] = new Map();
    const ask = (query: string): Promise<Found> =>
        new Promise((resolve, reject) => {
            answers.set(query, { resolve, reject });
        });
    const shows = {
        busy: () => undefined,
        found: (each: Found) => found.push(each),
        failed: (error: unknown) => failed.push(error),
    };
    return { search: new LatestSearch(ask, shows, 0), found, failed, answers };
}

test("an answer that a newer question has overtaken is not shown", async () => {
    const { search, found, answers } = scene();
    search.typed("old");
    await after(5);
    search.typed("new");
    await after(5);
    answers.get("new")?.resolve({ hits: [], message: "new" });
    answers.get("old")?.resolve({ hits: [], message: "old" });
    await after(0);
    assert.deepEqual(found.map((each) => each.message), ["new"]);
});

test("an empty question is the empty list, at once and without the server", async () => {
    const { search, found, answers } = scene();
    search.typed("  ");
    assert.deepEqual(found, [{ hits: [], message: "" }]);
    await after(5);
    assert.equal(answers.size, 0);
});

test("a failure is told, but not when the list is closed", async () => {
    const { search, failed, answers } = scene();
    search.typed("a");
    await after(5);
    answers.get("a")?.reject("first");
    await after(0);
    search.typed("b");
    await after(5);
    search.stop();
    answers.get("b")?.reject("second");
    await after(0);
    assert.deepEqual(failed, ["first"]);
});
