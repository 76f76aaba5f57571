// Read-only pages of text, shown as editors: what a message is too short for.

import { EventEmitter, Uri, window, workspace, type Disposable, type TextDocumentContentProvider } from "vscode";

const SCHEME = "homespun";

export class Pages implements TextDocumentContentProvider {
    readonly #texts = new Map<string, string>();
    readonly #changed = new EventEmitter<Uri>();
    readonly onDidChange = this.#changed.event;

    register(): Disposable {
        return workspace.registerTextDocumentContentProvider(SCHEME, this);
    }

    provideTextDocumentContent(uri: Uri): string {
        return this.#texts.get(uri.path) ?? "";
    }

    /** Show a page; one of the same name is replaced. */
    async show(name: string, text: string): Promise<void> {
        const uri = Uri.from({ scheme: SCHEME, path: `/${name}` });
        this.#texts.set(uri.path, text);
        this.#changed.fire(uri);
        await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
    }
}
