// Draws icon.png: a piece of plain weave, threads over and under each other. No library, so no surprise.

import { writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";

const SIZE = 128;
const SAMPLES = 4; // in each direction, for smooth edges
const GROUND = [38, 33, 61];
const WARP = [244, 183, 64]; // up and down
const WEFT = [122, 196, 181]; // left and right
const THREADS = 4;
const PITCH = 26;
const HALF_WIDTH = 9.5;
const MARGIN = (SIZE - (THREADS - 1) * PITCH) / 2;
const CORNER = 22;

/** The thread at a coordinate: [its number, distance from its middle], or null between threads. */
function thread(at) {
    const number = Math.round((at - MARGIN) / PITCH);
    const distance = Math.abs(at - MARGIN - number * PITCH);
    return number >= 0 && number < THREADS && distance <= HALF_WIDTH ? [number, distance] : null;
}

function shaded(colour, distance, isUnder) {
    const light = (1 - 0.35 * (distance / HALF_WIDTH) ** 2) * (isUnder ? 0.55 : 1);
    return colour.map((part) => part * light);
}

function isOutside(x, y) {
    const dx = Math.max(CORNER - x, x - (SIZE - CORNER), 0);
    const dy = Math.max(CORNER - y, y - (SIZE - CORNER), 0);
    return Math.hypot(dx, dy) > CORNER;
}

/** Red, green, blue, alpha at a point. */
function point(x, y) {
    if (isOutside(x, y)) {
        return [0, 0, 0, 0];
    }
    const [warp, weft] = [thread(x), thread(y)];
    const isWarpAbove = (Math.round((x - MARGIN) / PITCH) + Math.round((y - MARGIN) / PITCH)) % 2 === 0;
    const ends = 10; // threads reach a little beyond the weave
    const reaches = (at) => at > MARGIN - HALF_WIDTH - ends && at < SIZE - MARGIN + HALF_WIDTH + ends;
    if (warp !== null && reaches(y) && (weft === null || isWarpAbove)) {
        return [...shaded(WARP, warp[1], weft === null && nearCrossing(y, !isWarpAbove)), 255];
    }
    if (weft !== null && reaches(x)) {
        return [...shaded(WEFT, weft[1], warp === null && nearCrossing(x, isWarpAbove)), 255];
    }
    return [...GROUND, 255];
}

/** Where a thread dives under its neighbour it is in the shade. */
function nearCrossing(at, isDiving) {
    return isDiving && thread(at) === null && Math.abs(at - SIZE / 2) < SIZE / 2 - MARGIN + HALF_WIDTH;
}

const rows = Buffer.alloc(SIZE * (1 + 4 * SIZE));
for (let y = 0; y < SIZE; y += 1) {
    for (let x = 0; x < SIZE; x += 1) {
        const sum = [0, 0, 0, 0];
        for (let sample = 0; sample < SAMPLES * SAMPLES; sample += 1) {
            const dx = ((sample % SAMPLES) + 0.5) / SAMPLES;
            const dy = (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES;
            const [red, green, blue, alpha] = point(x + dx, y + dy);
            [red, green, blue].forEach((part, index) => (sum[index] += part * (alpha / 255)));
            sum[3] += alpha;
        }
        const covered = sum[3] / 255;
        const at = y * (1 + 4 * SIZE) + 1 + 4 * x;
        for (let index = 0; index < 3; index += 1) {
            rows[at + index] = covered === 0 ? 0 : Math.round(sum[index] / covered);
        }
        rows[at + 3] = Math.round(sum[3] / SAMPLES ** 2);
    }
}

function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
}

const header = Buffer.alloc(13);
header.writeUInt32BE(SIZE, 0);
header.writeUInt32BE(SIZE, 4);
header.set([8, 6, 0, 0, 0], 8); // 8 bits, RGBA
const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const data = deflateSync(rows, { level: 9 });
const parts = [signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))];
writeFileSync(new URL("../icon.png", import.meta.url), Buffer.concat(parts));
