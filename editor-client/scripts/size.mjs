// Prints the size of the package, and fails when it is much larger than the server in it.

import { statSync } from "node:fs";

const MAX_BYTES = 60_000_000;
const { size } = statSync("homespun.vsix");
console.log(`homespun.vsix: ${(size / 1000).toFixed(0)} kB`);
if (size > MAX_BYTES) {
    console.error(`homespun.vsix is larger than ${MAX_BYTES / 1000} kB`);
    process.exitCode = 1;
}
