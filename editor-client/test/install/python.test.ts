import assert from "node:assert/strict";
import * as path from "node:path";
import { test } from "node:test";

import type { Run } from "../../src/install/processes";
import type { Search } from "../../src/install/programs";
import { findPython } from "../../src/install/python";
import { program, temporaryFolder } from "../support/folders";

const search = (folder: string, ...opened: string[]): Search => ({ environment: { PATH: folder }, platform: "linux", opened });

/** Programs that answer the probe with a line; "" = as if it were no Python. */
function answering(answers: Record<string, string>): { run: Run; asked: string[] } {
    const asked: string[] = [];
    const run: Run = (command) => {
        const name = (command[0] ?? "").split("/").at(-1) ?? "";
        asked.push(name);
        const answer = answers[name] ?? "";
        return Promise.resolve(answer === "" ? { code: 9, lines: [] } : { code: 0, lines: ["noise", answer] });
    };
    return { run, asked };
}

test("the first Python that is recent and has venv is taken, by its own path", async (context) => {
    const folder = temporaryFolder(context);
    ["python3", "python3.13", "python3.12"].forEach((name) => program(folder, name));
    const { run, asked } = answering({
        "python3": "homespun-probe 3.9.2 venv /usr/bin/python3",
        "python3.13": "homespun-probe 3.13.1 bare /usr/bin/python3.13",
        "python3.12": "homespun-probe 3.12.4 venv /opt/with space/python3.12",
    });
    const python = await findPython(run, "/", search(folder));
    assert.deepEqual(python, { kind: "found", command: ["/opt/with space/python3.12"], version: "3.12.4" });
    assert.deepEqual(asked, ["python3", "python3.13", "python3.12"]);
});

test("a Python of an opened folder is not even asked, nor taken where another program leads to it", async (context) => {
    const folder = temporaryFolder(context);
    const inside = path.join(folder, "clone", ".venv", "bin");
    const planted = program(inside, "python3");
    const asking = answering({ "python3": "homespun-probe 3.12.4 venv /usr/bin/python3" });
    const none = await findPython(asking.run, "/", search(inside, path.join(folder, "clone")));
    assert.deepEqual(asking.asked, []);
    assert.equal(none.kind, "none");
    assert.ok(none.sentence.includes(`${planted} lies in an opened folder, from which nothing is run`));
    program(folder, "python3");
    const leading = answering({ "python3": `homespun-probe 3.12.4 venv ${planted}` });
    const other = await findPython(leading.run, "/", search(folder, path.join(folder, "clone")));
    assert.equal(other.kind, "none");
});

const REFUSALS: [string, Record<string, string>, RegExp][] = [
    ["none at all", {}, /needs Python 3\.11 or newer, and none is on the PATH that VS Code sees; install it from python\.org/u],
    [
        "one that is too old",
        { python3: "homespun-probe 3.9.2 venv /usr/bin/python3" },
        /what is there is too old: 3\.9\.2 \(\/usr\/bin\/python3\)/u,
    ],
    [
        "one without venv",
        { python3: "homespun-probe 3.11.2 bare /usr/bin/python3" },
        /3\.11\.2 \(\/usr\/bin\/python3\) lacks the module venv .* python3-venv; install that and try again/u,
    ],
    ["Python 2", { python: "homespun-probe 2.7.18 venv /usr/bin/python" }, /too old: 2\.7\.18/u],
    ["the entry of Windows that opens a shop", { python3: "" }, /none is on the PATH/u],
];

for (const [what, answers, expected] of REFUSALS) {
    test(`with ${what} it says what to do`, async (context) => {
        const folder = temporaryFolder(context);
        Object.keys(answers).forEach((name) => program(folder, name));
        const python = await findPython(answering(answers).run, "/", search(folder));
        assert.equal(python.kind, "none");
        assert.match(python.sentence, expected);
    });
}
