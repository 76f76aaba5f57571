// What the server writes beside the protocol.

import type { LogOutputChannel } from "vscode";

/** The server's own log, at the levels it has there. */
export class StderrLog {
    last = ""; // the last line that is not of the log: often the sentence with which it ended

    constructor(private readonly log: Pick<LogOutputChannel, "debug" | "error" | "info" | "warn">) {}

    take(line: string): void {
        if (line.trim() === "") {
            return;
        }
        const level = /^\S+ \S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) /u.exec(line)?.[1];
        if (level === undefined) {
            this.last = line.trim();
        }
        if (level === "ERROR" || level === "CRITICAL") {
            this.log.error(line);
        } else if (level === "WARNING") {
            this.log.warn(line);
        } else if (level === "DEBUG") {
            this.log.debug(line);
        } else {
            this.log.info(line);
        }
    }
}
