import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { test, type TestContext } from "node:test";

import { install, InstallFailed, requirement, type Installation } from "../src/install";
import { ManagedEnvironment } from "../src/managed";
import type { Finished, Run } from "../src/processes";
import { temporaryFolder } from "./folders";

interface Stage {
    readonly wanted: Installation;
    readonly commands: (readonly string[])[];
    readonly told: string[];
}

/** An installation whose programs answer by a word of their command. */
function stage(context: TestContext, answers: Record<string, Partial<Finished>> = {}): Stage {
    const storage = path.join(temporaryFolder(context), "storage");
    const commands: (readonly string[])[] = [];
    const told: string[] = [];
    const run: Run = (command, { line }) => {
        commands.push(command);
        const isProbe = command.includes("-c");
        const probed = { lines: ["homespun-probe 3.12.1 venv /usr/bin/python3"] };
        const word = Object.keys(answers).find((part) => command.includes(part));
        const finished = { code: 0, lines: [], ...(isProbe ? probed : {}), ...(word === undefined ? {} : answers[word]) };
        finished.lines.forEach((each) => line?.(each));
        return Promise.resolve(finished);
    };
    const wanted = {
        managed: new ManagedEnvironment(storage, "linux"),
        storage,
        constraints: "/extension/dist/constraints.txt",
        installFrom: "homespun==0.1.0",
        run,
        tell: (doing: string) => told.push(doing),
        log: () => undefined,
        signal: new AbortController().signal,
    };
    return { wanted, commands, told };
}

test("makes the environment, installs the pinned versions, tries the server, and notes it last", async (context) => {
    const { wanted, commands, told } = stage(context, { install: { lines: ["Collecting numpy"] } });
    await install(wanted);
    const { folder, python, homespun } = wanted.managed;
    assert.deepEqual(commands.slice(1), [
        ["/usr/bin/python3", "-I", "-m", "venv", "--clear", folder],
        [
            ...[python, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"],
            ...["--constraint", "/extension/dist/constraints.txt", "--", "homespun==0.1.0"],
        ],
        [homespun, "--version"],
    ]);
    assert.deepEqual(told, ["looking for Python", "making an environment with Python 3.12.1", "Collecting numpy", "trying it"]);
    assert.deepEqual(wanted.managed.note(), { installedFrom: "homespun==0.1.0", python: "3.12.1" });
    assert.ok(!existsSync(path.join(wanted.storage, "server.lock")));
});

const FAILURES: [string, Record<string, Partial<Finished>>, RegExp][] = [
    ["no Python will do", { "-c": { code: 1, lines: [] } }, /needs Python 3\.11 or newer/u],
    ["venv fails", { venv: { code: 1 } }, /could not make the environment/u],
    ["pip fails", { install: { code: 1, lines: ["ERROR: No matching distribution found for homespun==0.1.0"] } }, /clone or a wheel/u],
    ["the server does not run", { "--version": { code: 1 } }, /does not run; the log says why/u],
];

for (const [what, answers, expected] of FAILURES) {
    test(`where ${what} there is a sentence, and no note`, async (context) => {
        const { wanted } = stage(context, answers);
        await assert.rejects(install(wanted), (error: unknown) => {
            assert.ok(error instanceof InstallFailed);
            assert.match(error.message, expected);
            return true;
        });
        assert.equal(wanted.managed.note(), undefined);
        assert.ok(!existsSync(path.join(wanted.storage, "server.lock")));
    });
}

test("a second window waits for the first and takes what it has made", async (context) => {
    const { wanted, commands, told } = stage(context);
    mkdirSync(wanted.storage, { recursive: true });
    const lock = path.join(wanted.storage, "server.lock");
    writeFileSync(lock, String(process.pid));
    const tell = (doing: string): void => {
        wanted.tell(doing);
        wanted.managed.finish({ installedFrom: wanted.installFrom, python: "3.12.1" });
        writeFileSync(lock, String(2 ** 22 + 1)); // the first one is gone
    };
    await install({ ...wanted, tell });
    assert.deepEqual([commands, told], [[], ["waiting for another window that installs it"]]);
});

test("a path is made whole and must be there; a requirement goes through", (context) => {
    const folder = temporaryFolder(context);
    writeFileSync(path.join(folder, "a.whl"), "");
    assert.equal(requirement("~/a.whl", folder), path.join(folder, "a.whl"));
    assert.equal(requirement(folder), folder);
    for (const given of ["homespun==0.1.0", "homespun @ https://example.org/a.whl", "git+https://example.org/a.git"]) {
        assert.equal(requirement(given), given);
    }
    assert.throws(() => requirement("~/b.whl", folder), /there is no such file or folder/u);
    assert.throws(() => requirement("dist/a.whl"), /give the whole path/u);
});
