// A stand-in for the module `vscode`: what the extension uses of it, and `editor` to play the user.

import { fileURLToPath, pathToFileURL } from "node:url";

type Listener<T> = (event: T) => unknown;

export class EventEmitter<T> {
    readonly #listeners = new Set<Listener<T>>();

    readonly event = (listener: Listener<T>): { dispose(): void } => {
        this.#listeners.add(listener);
        return { dispose: () => this.#listeners.delete(listener) };
    };

    dispose(): void {
        this.#listeners.clear();
    }

    fire(event: T): void {
        for (const listener of this.#listeners) {
            listener(event);
        }
    }
}

export class ThemeColor {
    constructor(readonly id: string) {}
}

export class ThemeIcon {
    constructor(readonly id: string) {}
}

export class MarkdownString {
    isTrusted: unknown;
    supportHtml = false;

    constructor(readonly value = "") {}
}

export class Position {
    constructor(
        readonly line: number,
        readonly character: number,
    ) {}
}

export class Range {
    readonly start: Position;
    readonly end: Position;

    constructor(startLine: number, startCharacter: number, endLine: number, endCharacter: number) {
        this.start = new Position(startLine, startCharacter);
        this.end = new Position(endLine, endCharacter);
    }
}

export class Selection {
    constructor(
        readonly start: Position,
        readonly end: Position,
    ) {}
}

export class Uri {
    private constructor(
        readonly scheme: string,
        readonly path: string,
        private readonly written: string,
    ) {}

    static parse(written: string): Uri {
        const { protocol, pathname } = new URL(written);
        return new Uri(protocol.slice(0, -1), pathname, written);
    }

    static file(path: string): Uri {
        return new Uri("file", path, pathToFileURL(path).href);
    }

    static from({ scheme, path }: { scheme: string; path: string }): Uri {
        return new Uri(scheme, path, `${scheme}:${path}`);
    }

    get fsPath(): string {
        return fileURLToPath(this.written);
    }

    toString(): string {
        return this.written;
    }
}

export enum StatusBarAlignment {
    Left = 1,
    Right = 2,
}
export enum ProgressLocation {
    Notification = 15,
}
export enum ConfigurationTarget {
    Global = 1,
    Workspace = 2,
}
export enum QuickPickItemKind {
    Separator = -1,
    Default = 0,
}
export enum TextEditorRevealType {
    InCenterIfOutsideViewport = 2,
}
export enum ViewColumn {
    Active = -1,
}

export class FakeStatusBarItem {
    name = "";
    command = "";
    text = "";
    tooltip: MarkdownString | undefined;
    backgroundColor: ThemeColor | undefined;
    accessibilityInformation: { label: string } | undefined;
    isVisible = false;

    show(): void {
        this.isVisible = true;
    }

    dispose(): void {
        this.isVisible = false;
    }
}

export class FakeQuickPick<T> {
    title = "";
    placeholder = "";
    busy = false;
    matchOnDescription = false;
    matchOnDetail = false;
    items: readonly T[] = [];
    activeItems: readonly T[] = [];
    selectedItems: readonly T[] = [];
    isShown = false;
    readonly #active = new EventEmitter<readonly T[]>();
    readonly #accept = new EventEmitter<undefined>();
    readonly #hide = new EventEmitter<undefined>();
    readonly #value = new EventEmitter<string>();
    readonly #button = new EventEmitter<{ item: T }>();
    readonly onDidChangeActive = this.#active.event;
    readonly onDidAccept = this.#accept.event;
    readonly onDidHide = this.#hide.event;
    readonly onDidChangeValue = this.#value.event;
    readonly onDidTriggerItemButton = this.#button.event;

    show(): void {
        this.isShown = true;
    }

    hide(): void {
        this.isShown = false;
        this.#hide.fire(undefined);
    }

    dispose(): void {
        this.isShown = false;
    }

    /** The user moves to an item. */
    focus(item: T): void {
        this.#active.fire([item]);
    }

    /** The user presses Enter on an item. */
    accept(item: T): void {
        this.selectedItems = [item];
        this.#accept.fire(undefined);
    }

    /** The user types. */
    type(value: string): void {
        this.#value.fire(value);
    }
}

export interface FakeEditor {
    readonly document: FakeDocument;
    readonly viewColumn: number;
    selection: unknown;
    revealRange(range: unknown): void;
}

export class FakeDocument {
    constructor(
        readonly uri: Uri,
        readonly languageId: string,
        private readonly lines: readonly string[],
    ) {}

    get lineCount(): number {
        return this.lines.length;
    }

    lineAt(line: number): { text: string } {
        return { text: this.lines[line] ?? "" };
    }
}

export interface FakePanel {
    readonly options: Record<string, unknown>;
    readonly webview: { html: string };
}

export interface Shown {
    readonly severity: "information" | "warning" | "error";
    readonly message: string;
    readonly buttons: readonly string[];
}

type Answer = Promise<string | undefined>;

interface Registered {
    dispose(): void;
}

type Layer = "globalValue" | "workspaceValue" | "workspaceFolderValue";

/** What the user has done, does and sees. */
class Editor {
    readonly settings = new Map<string, Partial<Record<Layer | "defaultValue", unknown>>>();
    readonly written: [name: string, value: unknown, target: ConfigurationTarget][] = [];
    readonly shown: Shown[] = [];
    /** Answers to messages, by a part of the message; without one it is dismissed. */
    readonly answers = new Map<string, string>();
    readonly executed: [command: string, ...given: unknown[]][] = [];
    readonly opened: { uri: string; options: Record<string, unknown>; editor: FakeEditor }[] = [];
    readonly documents = new Map<string, string[]>();
    readonly progress: string[] = [];
    readonly panels: FakePanel[] = [];
    cancel: () => void = () => undefined; // of the progress on display
    statusBarItem: FakeStatusBarItem | undefined;
    quickPick: FakeQuickPick<unknown> | undefined;

    reset(): void {
        for (const kept of [this.settings, this.answers, this.documents]) {
            kept.clear();
        }
        for (const kept of [this.written, this.shown, this.executed, this.opened, this.progress, this.panels]) {
            kept.length = 0;
        }
        window.activeTextEditor = undefined;
        workspace.workspaceFolders = [{ name: "folder" }];
    }

    message(severity: Shown["severity"], message: string, buttons: readonly string[]): Promise<string | undefined> {
        this.shown.push({ severity, message, buttons });
        const answer = [...this.answers].find(([part]) => message.includes(part))?.[1];
        return Promise.resolve(answer);
    }

    editorOf(uri: Uri, options: Record<string, unknown>): FakeEditor {
        const document = new FakeDocument(uri, "python", this.documents.get(uri.toString()) ?? [""]);
        const editor = { document, viewColumn: 1, selection: options["selection"], revealRange: () => undefined };
        this.opened.push({ uri: uri.toString(), options, editor });
        return editor;
    }
}

export const editor = new Editor();

export const window = {
    activeTextEditor: undefined as FakeEditor | undefined,
    createStatusBarItem(): FakeStatusBarItem {
        editor.statusBarItem = new FakeStatusBarItem();
        return editor.statusBarItem;
    },
    createQuickPick<T>(): FakeQuickPick<T> {
        const picker = new FakeQuickPick<T>();
        editor.quickPick = picker as FakeQuickPick<unknown>;
        return picker;
    },
    showInformationMessage: (message: string, ...buttons: string[]): Answer => editor.message("information", message, buttons),
    showWarningMessage: (message: string, ...buttons: string[]): Answer => editor.message("warning", message, buttons),
    showErrorMessage: (message: string, ...buttons: string[]): Answer => editor.message("error", message, buttons),
    showTextDocument(what: Uri | FakeDocument, options: Record<string, unknown> = {}): Promise<FakeEditor> {
        return Promise.resolve(editor.editorOf(what instanceof Uri ? what : what.uri, options));
    },
    createWebviewPanel(_type: string, _title: string, _column: number, options: Record<string, unknown>): FakePanel {
        const panel = { options, webview: { html: "" } };
        editor.panels.push(panel);
        return panel;
    },
    withProgress<T>(_options: unknown, work: (progress: unknown, token: unknown) => Promise<T>): Promise<T> {
        const cancelled = new EventEmitter<undefined>();
        editor.cancel = () => {
            cancelled.fire(undefined);
        };
        const report = ({ message }: { message: string }): void => {
            editor.progress.push(message);
        };
        return work({ report }, { onCancellationRequested: cancelled.event });
    },
};

export const workspace = {
    workspaceFolders: undefined as { name: string }[] | undefined,
    getConfiguration(section?: string): unknown {
        const key = (name: string): string => (section === undefined ? name : `${section}.${name}`);
        const found = (name: string): Partial<Record<string, unknown>> => editor.settings.get(key(name)) ?? {};
        return {
            get(name: string, otherwise: unknown): unknown {
                const { workspaceFolderValue, workspaceValue, globalValue, defaultValue } = found(name);
                return workspaceFolderValue ?? workspaceValue ?? globalValue ?? defaultValue ?? otherwise;
            },
            inspect: found,
            update(name: string, value: unknown, target: ConfigurationTarget): Promise<void> {
                const layer: Layer = target === ConfigurationTarget.Global ? "globalValue" : "workspaceValue";
                editor.settings.set(key(name), { ...found(name), [layer]: value });
                editor.written.push([key(name), value, target]);
                return Promise.resolve();
            },
        };
    },
    openTextDocument: (uri: Uri): Promise<FakeDocument> => Promise.resolve(new FakeDocument(uri, "markdown", [""])),
    registerTextDocumentContentProvider: (): Registered => ({ dispose: () => undefined }),
};

export const commands = {
    executeCommand(command: string, ...given: unknown[]): Promise<undefined> {
        editor.executed.push([command, ...given]);
        return Promise.resolve(undefined);
    },
    registerCommand: (): Registered => ({ dispose: () => undefined }),
};
