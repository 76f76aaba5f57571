// Asks before it installs the server, shows how that goes, and says what to do when it fails.

import { commands, ProgressLocation, window, type LogOutputChannel, type Memento } from "vscode";

import type { Fix, Status } from "../protocol";
import { ownStatus } from "../protocol";
import { sentence } from "../ui/appearance";
import { inform, plain, warn } from "../ui/messages";
import { SECTION } from "../ui/settings";
import { install, InstallFailed, isInstalled, type Installation } from "./install";

export const SET_UP_COMMAND = "homespun.setUp";
const DECLINED = "homespun.setUpDeclined";
const INSTALL: Fix = { title: "Install the Server", command: SET_UP_COMMAND, arguments: [] };
const AGAIN: Fix = { title: "Try Again", command: SET_UP_COMMAND, arguments: [] };
const SETTINGS = "Open Settings";
const LOG = "Show Log";

export const NOT_INSTALLED: Status = ownStatus(
    "problem",
    "the server, a Python program, is not installed: no homespun is on the PATH that VS Code sees",
    INSTALL,
);

/** The same where there is one that an opened folder brings. */
export function onlyInside(program: string): Status {
    const why = `${program} lies in an opened folder, and nothing of one is started`;
    return ownStatus("problem", `${why}; install the server, or name it in your user setting homespun.serverCommand`, INSTALL);
}

type Outcome = "done" | "cancelled" | { readonly failure: string };

export interface SetUpParts {
    readonly what: () => Omit<Installation, "tell" | "log" | "signal">;
    readonly install?: typeof install;
    readonly log: LogOutputChannel;
    readonly remembered: Memento;
    readonly show: (status: Status) => void;
    readonly stopServer: () => Promise<void>;
    readonly startServer: () => Promise<void>;
}

export class SetUp {
    #running: Promise<void> | undefined;
    #hasOfferedAnother = false;

    constructor(private readonly parts: SetUpParts) {}

    /** Ask whether to install, unless the answer was no before: the status item goes on to offer it. */
    async offer(): Promise<void> {
        if (this.parts.remembered.get(DECLINED) === true) {
            return;
        }
        const notNow = "Not Now";
        const chosen = await inform(
            "Homespun completes code with a server, a Python program, which is not on this machine. Install it, with the "
                + "libraries it needs (about 700 MB), into a folder of this extension?",
            INSTALL.title,
            SETTINGS,
            notNow,
        );
        if (chosen === INSTALL.title) {
            await this.run();
        } else if (chosen === SETTINGS) {
            await openSettings();
        } else if (chosen === notNow) {
            await this.parts.remembered.update(DECLINED, true);
        }
    }

    /** Say, once, that what is installed is not what this extension goes with. */
    async offerAnother(): Promise<void> {
        if (isInstalled(this.parts.what()) || this.#hasOfferedAnother) {
            return;
        }
        this.#hasOfferedAnother = true;
        const sentence = "Homespun's server was installed by another version of this extension; its own comes with it.";
        if ((await inform(sentence, INSTALL.title, "Later")) === INSTALL.title) {
            await this.run();
        }
    }

    /** Install, or go along with an installation in progress. */
    run(): Promise<void> {
        this.#running ??= this.#run();
        return this.#running;
    }

    async #run(): Promise<void> {
        const { log, remembered, show, startServer, stopServer } = this.parts;
        let outcome: Outcome;
        try {
            await remembered.update(DECLINED, undefined);
            await stopServer(); // it holds its files open
            outcome = await this.#installed();
        } finally {
            this.#running = undefined;
        }
        if (outcome === "cancelled") {
            log.info("the installation of the server was cancelled");
            show(NOT_INSTALLED);
        } else if (outcome === "done") {
            log.info("the server is installed");
            await startServer();
        } else {
            log.error(outcome.failure);
            show(ownStatus("problem", outcome.failure, AGAIN));
            void this.#complain(outcome.failure);
        }
    }

    #installed(): Thenable<Outcome> {
        const { log, show, what } = this.parts;
        const installing = this.parts.install ?? install;
        const options = { location: ProgressLocation.Notification, title: "Homespun: installing its server", cancellable: true };
        return window.withProgress(options, async (progress, token) => {
            const stop = new AbortController();
            token.onCancellationRequested(() => {
                stop.abort();
            });
            const tell = (doing: string): void => {
                progress.report({ message: plain(doing) });
                show(ownStatus("starting", `installing the server: ${doing}`));
            };
            const line = (said: string): void => {
                log.info(said);
            };
            try {
                await installing({ ...what(), tell, log: line, signal: stop.signal });
                return "done";
            } catch (error) {
                if (stop.signal.aborted) {
                    return "cancelled";
                }
                return { failure: error instanceof InstallFailed ? error.message : `the installation failed: ${String(error)}` };
            }
        });
    }

    async #complain(failure: string): Promise<void> {
        const chosen = await warn(`Homespun: ${sentence(failure)}`, AGAIN.title, SETTINGS, LOG);
        if (chosen === AGAIN.title) {
            await this.run();
        } else if (chosen === SETTINGS) {
            await openSettings();
        } else if (chosen === LOG) {
            this.parts.log.show();
        }
    }
}

async function openSettings(): Promise<void> {
    await commands.executeCommand("workbench.action.openSettings", `${SECTION}.serverCommand`);
}
