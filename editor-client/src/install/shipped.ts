// What the extension brings along: the server's wheel and the lock of what that needs, each by its sha256.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";

/** A file and the hash that it had when the extension was packaged. */
export interface ShippedFile {
    readonly path: string;
    readonly sha256: string; // hex
}

export interface Shipped {
    readonly wheel: ShippedFile;
    readonly lock: ShippedFile;
}

// Written into the code by scripts/build.mjs: names of files beside it, and their hashes.
declare const SHIPPED: { readonly wheel: readonly [string, string]; readonly lock: readonly [string, string] };

/** What lies beside the bundled code. */
export function shippedIn(folder: string): Shipped {
    const file = ([name, sha256]: readonly [string, string]): ShippedFile => ({ path: path.join(folder, name), sha256 });
    return { wheel: file(SHIPPED.wheel), lock: file(SHIPPED.lock) };
}

/** Whether a file is still the one that was packaged. */
export async function isWhole({ path: file, sha256 }: ShippedFile): Promise<boolean> {
    const hash = createHash("sha256");
    try {
        await pipeline(createReadStream(file), hash);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") {
            return false;
        }
        throw error;
    }
    return hash.digest("hex") === sha256;
}
