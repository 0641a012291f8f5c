/**
 * One owner for listeners, timers and requests: what was begun in a scope ends with it, whichever way it ends.
 * Nothing in the player listens, waits or fetches outside of one.
 */
export class Scope {
  readonly #controller = new AbortController();
  readonly #timers = new Map<ReturnType<typeof setTimeout>, () => void>();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get over(): boolean {
    return this.signal.aborted;
  }

  end(): void {
    this.#controller.abort();
    for (const [timer, dropped] of this.#timers) {
      clearTimeout(timer);
      dropped();
    }
    this.#timers.clear();
  }

  listen(target: EventTarget, types: readonly string[], heard: (event: Event) => void): void {
    for (const type of types) target.addEventListener(type, heard, { signal: this.signal });
  }

  after(milliseconds: number, act: () => void, dropped: () => void = () => {}): void {
    if (this.over) {
      dropped();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, milliseconds);
    this.#timers.set(timer, dropped);
  }

  /** Resolves after the time, or at once when the scope ends: look at `over` afterwards. */
  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve, resolve));
  }
}
