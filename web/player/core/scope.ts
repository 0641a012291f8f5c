/**
 * One owner for listeners, timers and requests: what was begun in a scope ends with it, whichever way it ends.
 * Nothing in the player listens, waits or fetches outside of one.
 */
export class Scope {
  readonly #controller = new AbortController();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get over(): boolean {
    return this.signal.aborted;
  }

  end(): void {
    this.#controller.abort();
  }

  listen(target: EventTarget, types: readonly string[], heard: (event: Event) => void): void {
    for (const type of types) target.addEventListener(type, heard, { signal: this.signal });
  }

  after(milliseconds: number, act: () => void): void {
    if (this.over) return;
    const timer = setTimeout(act, milliseconds);
    this.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  /** Resolves after the time, or at once when the scope ends: look at `over` afterwards. */
  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.over) return resolve();
      this.signal.addEventListener("abort", () => resolve(), { once: true });
      this.after(milliseconds, resolve);
    });
  }
}
