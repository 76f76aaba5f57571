// When a server that died is started again: after 1, 2, 4, 8 s; at the fifth death in three minutes no more.

const MAX_FAILURES = 5;
const WINDOW_MS = 3 * 60 * 1000;
const FIRST_DELAY_MS = 1000;

export class RestartPolicy {
    #failures: number[] = []; // when, in milliseconds

    constructor(private readonly now: () => number = Date.now) {}

    /** Note a failure; say how long to wait before the next start, or undefined for no more. */
    failed(): number | undefined {
        const now = this.now();
        this.#failures = [...this.#failures.filter((time) => now - time < WINDOW_MS), now];
        const count = this.#failures.length;
        return count < MAX_FAILURES ? FIRST_DELAY_MS * 2 ** (count - 1) : undefined;
    }

    /** Forget all failures: somebody asked for a start. */
    forget(): void {
        this.#failures = [];
    }
}
