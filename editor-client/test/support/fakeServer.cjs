// A language server of thirty lines: answers what the client asks, and tells it what it was told.
// Modes: "serve", "refuse" (ends at once with a sentence), and the command `die`.

"use strict";

const STATUS = { state: "indexing", message: "", percent: 43, fix: null, pausedUntil: null, model: "fake", adapter: "none" };
const seen = { initialize: undefined, configuration: undefined };
let buffer = Buffer.alloc(0);

function send(message) {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    process.stdout.write(`Content-Length: ${body.length}\r\n\r\n`);
    process.stdout.write(body);
}

const ANSWERS = {
    "initialize": (params) => {
        seen.initialize = params;
        const executeCommandProvider = { commands: ["homespun.status", "seen", "die"] };
        return { capabilities: { executeCommandProvider, inlineCompletionProvider: {} }, serverInfo: { name: "fake", version: "9.9" } };
    },
    "workspace/executeCommand": ({ command, arguments: given }) => {
        if (command === "die") {
            process.exit(1);
        }
        return command === "seen" ? { ...seen, given, cwd: process.cwd(), environment: process.env } : STATUS;
    },
    "shutdown": () => null,
};

function receive(message) {
    if (message.id === "configuration") {
        seen.configuration = message.result;
        send({ method: "window/showMessage", params: { type: 2, message: "[evil.toml](command:evil) is wrong" } });
        send({ method: "homespun/status", params: STATUS });
    } else if (message.method === "initialized") {
        const items = [{ section: "homespun" }];
        send({ id: "configuration", method: "workspace/configuration", params: { items } });
    } else if (message.method === "exit") {
        process.exit(0);
    } else if (message.method in ANSWERS) {
        send({ id: message.id, result: ANSWERS[message.method](message.params) });
    }
}

if (process.argv[2] === "refuse") {
    process.stderr.write("fake: no such model\n");
    process.exit(2);
}
process.stdin.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (let header; (header = /^Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(buffer.toString("latin1"))) !== null; ) {
        const [start, end] = [header[0].length, header[0].length + Number(header[1])];
        if (buffer.length < end) {
            return;
        }
        receive(JSON.parse(buffer.subarray(start, end).toString()));
        buffer = buffer.subarray(end);
    }
});
process.stdin.on("end", () => process.exit(0));
