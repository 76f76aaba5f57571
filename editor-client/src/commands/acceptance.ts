// Show what became of the suggestions: the server's figures as a page of text.

import { list, number, readMessage, record, ServerCommand, text } from "../protocol";
import type { CommandContext } from "./context";

export async function showAcceptance(context: CommandContext): Promise<void> {
    const figures = await context.call(ServerCommand.acceptance);
    await context.showPage("acceptance.md", acceptancePage(figures));
}

type Row = readonly [name: string, cell: (group: unknown) => string];

const SHARES: readonly Row[] = [
    ["accepted", (group) => share(record(group)["accepted"])],
    ["- in full", (group) => share(record(group)["in_full"])],
    ["- in part", (group) => share(record(group)["in_part"])],
    ["accepted, of those looked at", (group) => share(record(group)["accepted_of_seen"])],
    ["typed by hand", (group) => share(record(group)["typed"])],
    ["characters accepted", (group) => count(record(record(group)["chars"])["accepted"])],
];

/** A table in Markdown: a line for each figure, a column for each group. */
export function acceptancePage(figures: unknown): string {
    const body = record(figures);
    const groups = list(body["groups"]);
    const message = readMessage(figures);
    const lines = ["# What became of the suggestions", ""];
    if (text(body["first"]) !== "") {
        lines.push(`${text(body["first"]).slice(0, 10)} to ${text(body["last"]).slice(0, 10)}`, "");
        const rows: readonly Row[] = [["shown", (group) => count(record(group)["shown"])], ...SHARES, ...keptRows(groups[0])];
        lines.push(
            ...table([
                ["", ...groups.map((group) => text(record(group)["value"]))],
                ...rows.map(([name, cell]) => [name, ...groups.map(cell)]),
            ]),
            "",
        );
    }
    lines.push(message || "Nothing is recorded yet.", "", "Counted on this machine; nothing of it leaves it.", "");
    return lines.join("\n");
}

function keptRows(group: unknown): Row[] {
    return list(record(group)["kept"]).flatMap((kept, position) => {
        const after = text(record(kept)["after"]);
        const at = (of: unknown): Readonly<Record<string, unknown>> => record(list(record(of)["kept"])[position]);
        const rows: Row[] = [
            [`unchanged after ${after}`, (of) => share(at(of)["unchanged"])],
            [`mostly unchanged after ${after}`, (of) => share(at(of)["mostly_unchanged"])],
            ["- of the characters", (of) => percent(at(of)["chars"])],
        ];
        return rows;
    });
}

/** "25 % (12-44), 3/12": the share, its 95 % interval, and from how many. */
function share(value: unknown): string {
    const body = record(value);
    const of = number(body["of"]) ?? 0;
    if (of === 0) {
        return "-";
    }
    const [low, high] = [body["low"], body["high"]].map((bound) => Math.round(100 * (number(bound) ?? 0)));
    return `${percent(body["share"])} (${String(low)}-${String(high)}), ${count(body["hits"])}/${String(of)}`;
}

function percent(value: unknown): string {
    const found = number(value);
    return found === null ? "-" : `${String(Math.round(100 * found))} %`;
}

function count(value: unknown): string {
    return String(number(value) ?? "-");
}

function table(rows: readonly (readonly string[])[]): string[] {
    const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => (row[column] ?? "").length)));
    const [head = "", ...others] = rows.map(
        (row) => `| ${row.map((cell, column) => pad(cell, widths[column] ?? 0, column > 0)).join(" | ")} |`,
    );
    const rule = `|${widths.map((width, column) => `${"-".repeat(width + 1)}${column > 0 ? ":" : "-"}`).join("|")}|`;
    return [head, rule, ...others];
}

function pad(cell: string, width: number, isNumber: boolean): string {
    return isNumber ? cell.padStart(width) : cell.padEnd(width);
}
