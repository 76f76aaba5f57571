// Folders and programs of a test, gone when it ends.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { TestContext } from "node:test";

export function temporaryFolder(context: TestContext): string {
    const folder = mkdtempSync(path.join(tmpdir(), "homespun-test-"));
    context.after(() => {
        rmSync(folder, { recursive: true, force: true });
    });
    return folder;
}

/** Make a file that may be run; what it would do does not matter. */
export function program(folder: string, name: string): string {
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, name);
    writeFileSync(file, "#!/bin/sh\n", { mode: 0o755 });
    return file;
}
