// What VS Code remembers for an extension, in memory.

import type { Memento } from "vscode";

export function memento(remembered = new Map<string, unknown>()): Memento {
    return {
        keys: () => [...remembered.keys()],
        get: (key: string) => remembered.get(key),
        update: (key: string, value: unknown) => {
            remembered.set(key, value);
            return Promise.resolve();
        },
    } as Memento;
}
