// `vscode` for vscode-languageclient itself: our fake, and for everything else something harmless.

import path = require("node:path");
import { pathToFileURL } from "node:url";

import known = require("./fakeVscode");

/** A value that can be called, made, extended and looked into, and does nothing. */
function harmless(): unknown {
    const nothing = function (): unknown {
        return { dispose: () => undefined };
    };
    return new Proxy(nothing, {
        get(target, name): unknown {
            const own = (target as unknown as Record<PropertyKey, unknown>)[name];
            return own === undefined && typeof name === "string" && name !== "then" ? harmless() : own;
        },
    });
}

function withTheRest(part: object): object {
    return new Proxy(part, {
        get(target, name): unknown {
            const isKnown = name in target || typeof name !== "string" || name === "then";
            return isKnown ? (target as Record<PropertyKey, unknown>)[name] : harmless();
        },
    });
}

class Disposable {
    static from(): Disposable {
        return new Disposable();
    }

    dispose(): void {
        // nothing
    }
}

const folder = { name: "test", index: 0, uri: known.Uri.parse(pathToFileURL(path.resolve("test")).href) };
const workspace = {
    ...known.workspace,
    workspaceFolders: [folder],
    textDocuments: [],
    notebookDocuments: [],
    onDidChangeConfiguration: () => new Disposable(),
};
const window = { ...known.window, visibleTextEditors: [], tabGroups: withTheRest({ all: [] }) };
const whole = {
    ...known,
    version: "1.91.0",
    Disposable,
    LogLevel: { Off: 0, Trace: 1, Debug: 2, Info: 3, Warning: 4, Error: 5 },
    workspace: withTheRest(workspace),
    window: withTheRest(window),
    env: { appName: "Fake", language: "en" },
};

// CommonJS, because a module whose names are not known beforehand cannot be written otherwise.
export = withTheRest(whole);
