// What the server says and understands beside LSP itself: names, types, and readers that trust nothing.

export const STATUS_NOTIFICATION = "homespun/status";

/** Commands of the server; vscode-languageclient registers each of them with VS Code while it runs. */
export const ServerCommand = {
    acceptance: "homespun.acceptance",
    adapters: "homespun.adapters",
    dismissed: "homespun.dismissed",
    pause: "homespun.pause",
    reindex: "homespun.reindex",
    report: "homespun.report",
    resume: "homespun.resume",
    search: "homespun.search",
    showSources: "homespun.showSources",
    status: "homespun.status",
    why: "homespun.why",
} as const;

const STATES = ["starting", "loading model", "indexing", "ready", "paused", "problem", "off"] as const;
export type State = (typeof STATES)[number];

/** A command that may mend a problem, and what a button that runs it says. */
export interface Fix {
    readonly title: string;
    readonly command: string;
    readonly arguments: readonly unknown[];
}

export interface Status {
    readonly state: State;
    readonly message: string; // one sentence, or ""
    readonly percent: number | null; // of what is indexed or fetched
    readonly fix: Fix | null;
    readonly pausedUntil: number | null; // seconds since 1970; null = until resumed
    readonly model: string;
    readonly adapter: string;
    readonly adapterAge: string; // how old that is and how it does, or ""
    readonly sentTo: string; // the address that code goes to, "" where it stays on this machine
}

/** A place of the repository; lines count from 1, the last one is included. */
export interface Location {
    readonly uri: string;
    readonly path: string;
    readonly startLine: number;
    readonly endLine: number;
    readonly preview: string; // a line of it
    readonly symbol: string;
}

export interface Why {
    readonly shown: boolean;
    readonly sentence: string;
    readonly details: Readonly<Record<string, unknown>>;
    readonly sources: readonly Location[];
}

export interface AdapterChoice {
    readonly id: string;
    readonly title: string;
    readonly detail: string;
    readonly state: string;
    readonly report: string | null; // URI of a page
    readonly fits: boolean;
    readonly why: string; // it does not
}

export interface Adapters {
    readonly serving: string;
    readonly setting: string;
    readonly choices: readonly AdapterChoice[];
    readonly message: string;
}

/** A status as the client itself gives it, before there is a server or after it. */
export function ownStatus(state: State, message: string, fix: Fix | null = null): Status {
    return { state, message, percent: null, fix, pausedUntil: null, model: "", adapter: "", adapterAge: "", sentTo: "" };
}

export function readStatus(value: unknown): Status | undefined {
    const body = record(value);
    const state = STATES.find((known) => known === body["state"]);
    if (state === undefined) {
        return undefined;
    }
    return {
        state,
        message: text(body["message"]),
        percent: number(body["percent"]),
        fix: readFix(body["fix"]),
        pausedUntil: number(body["pausedUntil"]),
        model: text(body["model"]),
        adapter: text(body["adapter"]),
        adapterAge: text(record(body["adapterAge"])["sentence"]),
        sentTo: readSentTo(body["remote"]),
    };
}

function readSentTo(value: unknown): string {
    const remote = record(value);
    return remote["onThisMachine"] === true ? "" : text(remote["address"]);
}

/** Only commands of homespun: a click must not run whatever a server names. */
function readFix(value: unknown): Fix | null {
    const body = record(value);
    const title = text(body["title"]);
    const command = text(body["command"]);
    if (title === "" || !command.startsWith("homespun.")) {
        return null;
    }
    return { title, command, arguments: list(body["arguments"]) };
}

/** Sources of a suggestion; those of a folder that is closed by now have no URI and are left out. */
export function readSources(value: unknown): Location[] {
    return list(value).flatMap((source) => readLocation(source, text(record(source)["preview"])));
}

export function readHits(value: unknown): { readonly hits: readonly Location[]; readonly message: string } {
    const body = record(value);
    const hits = list(body["hits"]).flatMap((hit) => readLocation(hit, firstLine(text(record(hit)["text"]))));
    return { hits, message: text(body["message"]) };
}

export function readWhy(value: unknown): Why {
    const body = record(value);
    const details = record(body["details"]);
    return {
        shown: body["shown"] === true,
        sentence: text(body["sentence"]) || text(body["message"]),
        details,
        sources: readSources(details["sources"]),
    };
}

export function readAdapters(value: unknown): Adapters {
    const body = record(value);
    return {
        serving: text(body["serving"]),
        setting: text(body["setting"]),
        choices: list(body["choices"]).flatMap(readChoice),
        message: text(body["message"]),
    };
}

export function readReport(value: unknown): { readonly uri: string; readonly message: string } {
    const body = record(value);
    return { uri: text(body["uri"]), message: text(body["message"]) };
}

/** The sentence of an answer, "" where it has none. */
export function readMessage(value: unknown): string {
    return text(record(value)["message"]);
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
    const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
    return isRecord ? (value as Record<string, unknown>) : {};
}

export function list(value: unknown): readonly unknown[] {
    return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
    return typeof value === "string" ? value : "";
}

export function number(value: unknown): number | null {
    return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function readLocation(value: unknown, preview: string): Location[] {
    const body = record(value);
    const uri = text(body["uri"]);
    const startLine = number(body["start_line"]) ?? 1;
    const endLine = number(body["end_line"]) ?? startLine;
    const location = { uri, path: text(body["path"]), startLine, endLine, preview, symbol: text(body["symbol"]) };
    return uri === "" ? [] : [location];
}

function readChoice(value: unknown): AdapterChoice[] {
    const body = record(value);
    const id = text(body["id"]);
    const choice = {
        id,
        title: text(body["title"]) || id,
        detail: text(body["detail"]),
        state: text(body["state"]),
        report: text(body["report"]) || null,
        fits: body["fits"] !== false,
        why: text(body["why"]),
    };
    return id === "" ? [] : [choice];
}

function firstLine(lines: string): string {
    return lines.split(/\r?\n/u).map((line) => line.trim()).find((line) => /\w/u.test(line)) ?? "";
}
