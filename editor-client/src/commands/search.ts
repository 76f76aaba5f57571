// Search the repository: the server's search as a list that follows what is typed.

import { window } from "vscode";

import { readHits, ServerCommand } from "../protocol";
import type { CommandContext } from "./context";
import { locationItems, showWhatIsInFocus, type LocationItem } from "./locationPicker";

const PAUSE_MS = 150; // after a key
const LIMIT = 30;

export function searchRepository(context: CommandContext): void {
    const document = window.activeTextEditor?.document;
    const options = { limit: LIMIT, ...(document?.uri.scheme === "file" ? { uri: document.uri.toString() } : {}) };
    const picker = window.createQuickPick<LocationItem>();
    picker.title = "Search the repository";
    picker.placeholder = "A question, a name, a path, or some code";
    picker.matchOnDescription = true;
    picker.matchOnDetail = true;
    const search = new LatestSearch(
        async (query) => readHits(await context.call(ServerCommand.search, query, options)),
        {
            busy: (isBusy) => {
                picker.busy = isBusy;
            },
            found: ({ hits, message }) => {
                picker.items = locationItems(hits);
                picker.title = message === "" ? "Search the repository" : `Search the repository: ${message}`;
            },
            failed: (error) => {
                picker.hide();
                context.failed(error);
            },
        },
    );
    picker.onDidChangeValue((value) => {
        search.typed(value);
    });
    picker.onDidHide(() => {
        search.stop();
    });
    showWhatIsInFocus(picker, context.failed);
    picker.show();
}

type Found = ReturnType<typeof readHits>;

interface Shows {
    busy(isBusy: boolean): void;
    found(found: Found): void;
    failed(error: unknown): void;
}

/** Asks when the keys rest; an answer that a newer question has overtaken is dropped. */
export class LatestSearch {
    #newest = 0;
    #timer: NodeJS.Timeout | undefined;

    constructor(
        private readonly ask: (query: string) => Promise<Found>,
        private readonly shows: Shows,
        private readonly pauseMs = PAUSE_MS,
    ) {}

    typed(value: string): void {
        this.stop();
        const query = value.trim();
        if (query === "") {
            this.shows.busy(false);
            this.shows.found({ hits: [], message: "" });
            return;
        }
        const mine = this.#newest;
        this.shows.busy(true);
        this.#timer = setTimeout(() => {
            void this.#run(query, mine);
        }, this.pauseMs);
    }

    /** Show nothing of what was asked for before. */
    stop(): void {
        this.#newest += 1;
        clearTimeout(this.#timer);
    }

    async #run(query: string, mine: number): Promise<void> {
        try {
            const found = await this.ask(query);
            if (mine === this.#newest) {
                this.shows.found(found);
            }
        } catch (error) {
            if (mine === this.#newest) {
                this.shows.failed(error);
            }
        } finally {
            if (mine === this.#newest) {
                this.shows.busy(false);
            }
        }
    }
}
