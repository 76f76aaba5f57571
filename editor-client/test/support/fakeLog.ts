// A log that remembers.

import type { LogOutputChannel } from "vscode";

export class FakeLog {
    readonly lines: string[] = [];
    isShown = false;
    readonly logLevel = 3;
    readonly onDidChangeLogLevel = (): { dispose(): void } => ({ dispose: () => undefined });

    debug(line: string): void {
        this.lines.push(`debug ${line}`);
    }

    info(line: string): void {
        this.lines.push(`info ${line}`);
    }

    warn(line: string): void {
        this.lines.push(`warn ${line}`);
    }

    error(line: string): void {
        this.lines.push(`error ${line}`);
    }

    show(): void {
        this.isShown = true;
    }

    /** As the extension wants it; what it does not use is not there. */
    get channel(): LogOutputChannel {
        return this as unknown as LogOutputChannel;
    }
}
