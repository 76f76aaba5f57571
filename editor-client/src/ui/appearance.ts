// A status in words and icons; nothing of VS Code in here.

import type { State, Status } from "../protocol";

// Names of https://code.visualstudio.com/api/references/icons-in-labels
const ICONS: Record<State, string> = {
    "starting": "loading~spin",
    "loading model": "loading~spin",
    "indexing": "sync~spin",
    "ready": "sparkle",
    "paused": "debug-pause",
    "problem": "warning",
    "off": "circle-slash",
};

/** The state in a few words: "indexing 43 %", "paused until 15:04". */
export function summary(status: Status, now: Date = new Date()): string {
    if (status.state === "paused" && status.pausedUntil !== null) {
        return `paused until ${clock(new Date(status.pausedUntil * 1000), now)}`;
    }
    return status.percent === null ? status.state : `${status.state} ${String(Math.round(status.percent))} %`;
}

/** What stands in the status bar: the name alone when all is well, and where code goes when it leaves. */
export function barText(status: Status, now: Date = new Date()): string {
    if (status.state !== "ready") {
        return `$(${ICONS[status.state]}) Homespun: ${summary(status, now)}`;
    }
    return status.sentTo === "" ? "$(sparkle) Homespun" : `$(cloud-upload) Homespun: ${host(status.sentTo)}`;
}

/** The tooltip in Markdown, with the fix as a link. */
export function tooltip(status: Status, now: Date = new Date()): string {
    const parts = [`**Homespun**: ${escaped(summary(status, now))}`];
    if (status.message !== "") {
        parts.push(escaped(sentence(status.message)));
    }
    if (status.fix !== null) {
        const given = encodeURIComponent(JSON.stringify(status.fix.arguments)).replace(/[()]/gu, percentEncoded);
        parts.push(`[${escaped(status.fix.title)}](command:${status.fix.command}?${given})`);
    }
    if (status.model !== "") {
        parts.push(escaped(`Model ${status.model}, adapter ${status.adapter || "none"}`));
    }
    if (status.adapterAge !== "") {
        parts.push(escaped(sentence(status.adapterAge)));
    }
    return parts.join("\n\n");
}

/** A sentence of the server, which begins in lower case and has no full stop, as people write it. */
export function sentence(words: string): string {
    const whole = /[.!?…]$/u.test(words) ? words : `${words}.`;
    return whole.charAt(0).toUpperCase() + whole.slice(1);
}

/** The host of an address, short and without what the bar would take for an icon. */
function host(address: string): string {
    return address.replace(/^[a-z]+:\/\//u, "").replace(/[/$].*$/su, "").slice(0, 40);
}

function clock(time: Date, now: Date): string {
    const hours = `${two(time.getHours())}:${two(time.getMinutes())}`;
    const isToday = time.toDateString() === now.toDateString();
    return isToday ? hours : `${String(time.getFullYear())}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${hours}`;
}

/** Brackets would end the link. */
function percentEncoded(character: string): string {
    return `%${character.charCodeAt(0).toString(16)}`;
}

function two(value: number): string {
    return String(value).padStart(2, "0");
}

function escaped(words: string): string {
    return words.replace(/[\\`*_{}[\]()<>#+\-!|~&$]/gu, "\\$&").replace(/\s*\n\s*/gu, " ");
}
