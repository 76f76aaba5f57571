// Show the report of a training: a page of HTML that lies in the workspace, so it is not trusted.

import { lstat, readFile } from "node:fs/promises";

import { Uri, ViewColumn, window } from "vscode";

import { readReport, ServerCommand } from "../protocol";
import { inform } from "../ui/messages";
import type { CommandContext } from "./context";

const MAX_BYTES = 20_000_000;

// No script, and nothing is fetched: neither from the network nor from the disk.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

export async function showReport(context: CommandContext): Promise<void> {
    const { uri, message } = readReport(await context.call(ServerCommand.report));
    if (uri === "") {
        void inform(`Homespun: ${message || "there is no report"}.`);
        return;
    }
    await openReport(uri);
}

export async function openReport(uri: string): Promise<void> {
    const file = Uri.parse(uri, true).fsPath;
    const found = await lstat(file);
    if (!found.isFile() || found.size > MAX_BYTES) {
        throw new Error(`${file} is no report: a link, no file, or larger than ${String(MAX_BYTES / 1_000_000)} MB`);
    }
    const panel = window.createWebviewPanel("homespun.report", "Homespun: report", ViewColumn.Active, {
        enableScripts: false,
        enableForms: false,
        enableCommandUris: false,
        localResourceRoots: [],
    });
    panel.webview.html = confined(await readFile(file, "utf8"));
}

/** The page under our policy, which comes before anything of its own and so holds for all of it. */
export function confined(page: string): string {
    const own = page.replace(/^\s*<!doctype html>/iu, "");
    return `<!doctype html><html><head><meta http-equiv="Content-Security-Policy" content="${POLICY}">${own}`;
}
