// Messages as plain words: VS Code makes links of `[words](command:…)` in them, and what the server says
// holds names of files and symbols, which a repository may have chosen for that.

import { window } from "vscode";

/** Show a message; resolves with the button that was pressed. */
export function inform(message: string, ...buttons: string[]): Thenable<string | undefined> {
    return window.showInformationMessage(plain(message), ...buttons);
}

/** The same as a warning. */
export function warn(message: string, ...buttons: string[]): Thenable<string | undefined> {
    return window.showWarningMessage(plain(message), ...buttons);
}

/** Words in which nothing is a link. */
export function plain(words: string): string {
    return words.replace(/\](?=\()/gu, "] ");
}
