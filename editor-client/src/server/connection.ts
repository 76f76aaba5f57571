// The edge to vscode-languageclient: a client that is quiet, and leaves restarts to us.

import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";

import type { LogOutputChannel } from "vscode";
import {
    CloseAction,
    ErrorAction,
    LanguageClient,
    MessageType,
    ShowMessageNotification,
    State,
    type ClientCapabilities,
    type FeatureState,
    type LanguageClientOptions,
    type Middleware,
    type StaticFeature,
} from "vscode-languageclient/node";

import { environmentChanges } from "../install/processes";
import { readStatus, STATUS_NOTIFICATION } from "../protocol";
import { inform, warn } from "../ui/messages";
import { SECTION, type BySection } from "../ui/settings";
import type { Connection, Events } from "./lifecycle";
import { StderrLog } from "./stderr";

const STOP_MS = 2000; // what the server gets to end by itself

/** Start a server over stdio, in a folder that is not the workspace, and talk to it. */
export async function connect(
    [command = "", ...given]: readonly string[],
    events: Events,
    { cwd, log, settings }: { cwd: string; log: LogOutputChannel; settings: () => BySection },
): Promise<Connection> {
    const stderr = new StderrLog(log);
    mkdirSync(cwd, { recursive: true }); // without it the server would begin in the workspace
    const server = { command, args: [...given], options: { cwd, env: environmentChanges() } };
    const client = new QuietClient(SECTION, "Homespun", server, clientOptions(log, settings, stderr));
    client.registerFeature(new StatusCapability());
    client.onNotification(ShowMessageNotification.type, ({ type, message }) => {
        void (type === MessageType.Error || type === MessageType.Warning ? warn : inform)(message);
    });
    client.onNotification(STATUS_NOTIFICATION, (params: unknown) => {
        const status = readStatus(params);
        if (status === undefined) {
            log.warn("the server sent a status that is not understood");
        } else {
            events.status(status);
        }
    });
    let isUp = false;
    client.onDidChangeState(({ newState }) => {
        log.info(`client: ${State[newState]}`);
        if (isUp && newState === State.Stopped) {
            isUp = false;
            events.died(stderr.last);
        }
    });
    try {
        await client.start();
    } catch (error) {
        throw new Error(stderr.last || String(error), { cause: error });
    }
    isUp = true;
    return {
        version: client.initializeResult?.serverInfo?.version ?? "",
        settingsChanged: () => client.sendNotification("workspace/didChangeConfiguration", { settings: null }),
        call: (name, ...parameters) =>
            client.sendRequest<unknown>("workspace/executeCommand", { command: name, arguments: parameters }),
        stop: async () => {
            isUp = false;
            await client.dispose(STOP_MS);
        },
    };
}

function clientOptions(log: LogOutputChannel, settings: () => BySection, stderr: StderrLog): LanguageClientOptions {
    return {
        documentSelector: [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "vscode-notebook-cell" }],
        initializationOptions: settings,
        middleware: givenSettingsOnly(settings),
        outputChannel: log,
        stdioOptions: {
            stderr: (input) => {
                createInterface({ input, crlfDelay: Infinity }).on("line", (line) => {
                    stderr.take(line);
                });
            },
            stdout: () => {
                // the protocol's
            },
        },
        errorHandler: {
            error: () => ({ action: ErrorAction.Continue, handled: true }),
            closed: () => ({ action: CloseAction.DoNotRestart, handled: true, message: "The connection to the server is closed." }),
        },
        initializationFailedHandler: () => false,
    };
}

/** Answers with what the user has set, without the defaults that VS Code mixes in. */
function givenSettingsOnly(settings: () => BySection): Middleware {
    return {
        workspace: {
            configuration: (params, token, next) =>
                params.items.every((item) => item.section === SECTION) ? params.items.map(settings) : next(params, token),
            didChangeConfiguration: (_sections, next) => next(undefined), // the server asks then
        },
    };
}

/** Writes to the log and shows nothing: what people must know is in the status. */
class QuietClient extends LanguageClient {
    override error(message: string, data?: unknown): void {
        super.error(message, data, false);
    }

    override warn(message: string, data?: unknown): void {
        super.warn(message, data, false);
    }

    override info(message: string, data?: unknown): void {
        super.info(message, data, false);
    }
}

/** Announces that `homespun/status` is understood, and takes back progress: the status shows it already. */
class StatusCapability implements StaticFeature {
    fillClientCapabilities(capabilities: ClientCapabilities): void {
        const others = (capabilities.experimental ?? {}) as object;
        capabilities.experimental = { ...others, homespun: { status: true } };
        capabilities.window = { ...capabilities.window, workDoneProgress: false };
    }

    initialize(): void {
        // nothing to register
    }

    getState(): FeatureState {
        return { kind: "static" };
    }

    clear(): void {
        // nothing was registered
    }
}
