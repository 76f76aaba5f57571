// A list of places of the repository: moving through it shows them, choosing one stays there.

import { Range, Selection, TextEditorRevealType, Uri, ViewColumn, window, type QuickPick, type QuickPickItem, type TextEditor } from "vscode";

import type { Location } from "../protocol";

export interface LocationItem extends QuickPickItem {
    readonly location: Location;
}

/** Two lines each: where, and a line of it. `alwaysShow`, because the server has filtered already. */
export function locationItems(locations: readonly Location[]): LocationItem[] {
    return locations.map((location) => ({
        label: `${location.path}:${lines(location)}`,
        description: location.symbol,
        detail: location.preview,
        alwaysShow: true,
        location,
    }));
}

function lines({ startLine, endLine }: Location): string {
    return startLine === endLine ? String(startLine) : `${String(startLine)}-${String(endLine)}`;
}

/** Let a quick pick of places show what is in focus; without a choice, the editor is as it was. */
export function showWhatIsInFocus(picker: QuickPick<LocationItem>, failed: (error: unknown) => void): void {
    const before = window.activeTextEditor;
    const selection = before?.selection;
    let isChosen = false;
    let isMoved = false;
    picker.onDidChangeActive(([item]) => {
        if (item !== undefined) {
            isMoved = true;
            open(item.location, { isPreview: true }).catch(failed);
        }
    });
    picker.onDidAccept(() => {
        const [item] = picker.selectedItems;
        if (item !== undefined) {
            isChosen = true;
            picker.hide();
            open(item.location, { isPreview: false }).catch(failed);
        }
    });
    picker.onDidHide(() => {
        picker.dispose();
        if (!isChosen && isMoved && before !== undefined && selection !== undefined) {
            goBack(before, selection).catch(failed);
        }
    });
}

async function open(location: Location, { isPreview }: { isPreview: boolean }): Promise<void> {
    const editor = await window.showTextDocument(Uri.parse(location.uri, true), {
        preview: isPreview,
        preserveFocus: isPreview,
        viewColumn: ViewColumn.Active,
    });
    const last = Math.min(location.endLine, editor.document.lineCount) - 1;
    const first = Math.max(0, Math.min(location.startLine - 1, last));
    const range = new Range(first, 0, last, editor.document.lineAt(last).text.length);
    editor.selection = isPreview ? new Selection(range.start, range.end) : new Selection(range.start, range.start);
    editor.revealRange(range, TextEditorRevealType.InCenterIfOutsideViewport);
}

async function goBack(editor: TextEditor, selection: Selection): Promise<void> {
    const column = editor.viewColumn ?? ViewColumn.Active;
    await window.showTextDocument(editor.document, { selection, viewColumn: column });
}
