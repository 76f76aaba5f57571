// Show the report of a training: a page of HTML without scripts, which may lie on a remote machine.

import { readFile } from "node:fs/promises";

import { Uri, ViewColumn, window } from "vscode";

import { readReport, ServerCommand } from "../protocol";
import type { Desk } from "./desk";

export async function showReport(desk: Desk): Promise<void> {
    const { uri, message } = readReport(await desk.call(ServerCommand.report));
    if (uri === "") {
        void window.showInformationMessage(`Homespun: ${message || "there is no report"}.`);
        return;
    }
    await openReport(uri);
}

export async function openReport(uri: string): Promise<void> {
    const page = await readFile(Uri.parse(uri, true).fsPath, "utf8");
    const panel = window.createWebviewPanel("homespun.report", "Homespun: report", ViewColumn.Active, {
        enableScripts: false,
        enableForms: false,
        localResourceRoots: [],
    });
    panel.webview.html = page;
}
