import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { test, type TestContext } from "node:test";

import { install, InstallFailed, type Installation } from "../../src/install/install";
import { ManagedEnvironment } from "../../src/install/managed";
import type { Finished, Run } from "../../src/install/processes";
import { isWhole, type ShippedFile } from "../../src/install/shipped";
import { program, temporaryFolder } from "../support/folders";

interface Stage {
    readonly wanted: Installation;
    readonly commands: (readonly string[])[];
    readonly folders: string[]; // in which they ran
    readonly told: string[];
}

function shippedFile(folder: string, name: string): ShippedFile {
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, name);
    writeFileSync(file, name);
    return { path: file, sha256: createHash("sha256").update(name).digest("hex") };
}

/** An installation whose programs answer by a word of their command. */
function stage(context: TestContext, answers: Record<string, Partial<Finished>> = {}): Stage {
    const folder = temporaryFolder(context);
    const storage = path.join(folder, "storage");
    const bin = path.join(folder, "bin");
    program(bin, "python3");
    const commands: (readonly string[])[] = [];
    const folders: string[] = [];
    const told: string[] = [];
    const run: Run = (command, { cwd, line }) => {
        commands.push(command);
        folders.push(cwd);
        const isProbe = command.includes("-c");
        const probed = { lines: ["homespun-probe 3.12.1 venv /usr/bin/python3"] };
        const word = Object.keys(answers).find((part) => command.includes(part));
        const finished = { code: 0, lines: [], ...(isProbe ? probed : {}), ...(word === undefined ? {} : answers[word]) };
        finished.lines.forEach((each) => line?.(each));
        return Promise.resolve(finished);
    };
    const dist = path.join(folder, "an extension", "dist");
    const wanted = {
        managed: new ManagedEnvironment(storage, "linux"),
        storage,
        shipped: { wheel: shippedFile(dist, "homespun-0.1.0-py3-none-any.whl"), lock: shippedFile(dist, "requirements.lock") },
        search: { environment: { PATH: bin }, platform: "linux" as const, opened: [] },
        run,
        tell: (doing: string) => told.push(doing),
        log: () => undefined,
        signal: new AbortController().signal,
    };
    return { wanted, commands, folders, told };
}

test("installs what is locked and then the wheel that came along, each by its hash, tries the server, and notes it last", async (context) => {
    const { wanted, commands, folders, told } = stage(context, { install: { lines: ["Collecting numpy"] } });
    await install(wanted);
    const { managed, shipped, storage } = wanted;
    const pip = [
        ...[managed.python, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"],
        ...["--require-hashes", "--only-binary=:all:"],
    ];
    const server = path.join(storage, "server.txt");
    assert.deepEqual(commands.slice(1), [
        ["/usr/bin/python3", "-I", "-m", "venv", "--clear", managed.folder],
        [...pip, "--requirement", shipped.lock.path],
        [...pip, "--no-index", "--no-deps", "--requirement", server],
        [...managed.command, "--version"],
    ]);
    assert.ok(folders.every((folder) => folder === storage));
    const given = shipped.wheel.path.replace(" ", "%20");
    assert.equal(readFileSync(server, "utf8"), `homespun @ file://${given} --hash=sha256:${shipped.wheel.sha256}\n`);
    assert.deepEqual(told, [
        ...["looking for Python", "making an environment with Python 3.12.1", "Collecting numpy"],
        ...["Installing homespun", "Collecting numpy", "trying it"],
    ]);
    assert.deepEqual(managed.note(), { wheel: shipped.wheel.sha256, lock: shipped.lock.sha256, python: "3.12.1" });
    assert.ok(!existsSync(path.join(storage, "server.lock")));
});

for (const which of ["wheel", "lock"] as const) {
    test(`a ${which} that is not the packaged one is not installed, and nothing is run`, async (context) => {
        const { wanted, commands } = stage(context);
        const { path: file } = wanted.shipped[which];
        writeFileSync(file, "another");
        await assert.rejects(install(wanted), (error: unknown) => {
            assert.ok(error instanceof InstallFailed);
            assert.match(error.message, /is not the file that was packaged with this extension/u);
            assert.ok(error.message.startsWith(file));
            return true;
        });
        assert.deepEqual(commands, []);
    });
}

test("a file that is gone is not whole", async () => {
    assert.equal(await isWhole({ path: "/nowhere/a.whl", sha256: "" }), false);
});

const FAILURES: [string, Record<string, Partial<Finished>>, RegExp][] = [
    ["no Python will do", { "-c": { code: 1, lines: [] } }, /needs Python 3\.11 or newer/u],
    ["venv fails", { venv: { code: 1 } }, /could not make the environment/u],
    ["a wheel is missing", { install: { code: 1, lines: ["ERROR: No matching distribution found for lancedb==1"] } }, /no wheel of lancedb==1/u],
    ["the wheel cannot be installed", { "--no-deps": { code: 1, lines: ["ERROR: no"] } }, /could not install the server \(no\)/u],
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
        wanted.managed.finish({ wheel: wanted.shipped.wheel.sha256, lock: wanted.shipped.lock.sha256, python: "3.12.1" });
        writeFileSync(lock, String(2 ** 22 + 1)); // the first one is gone
    };
    await install({ ...wanted, tell });
    assert.deepEqual([commands, told], [[], ["waiting for another window that installs it"]]);
});
