import type { Scope } from "./scope.ts";

/** Keys held down move the target at once, the element at most this often: each move may be a range request. */
const EVERY_MS = 120;

/** Where the element is to go. The last wish counts, and is not kept waiting by one that is still being fulfilled. */
export class Seeker {
  #target: number | null = null;
  #held = false;

  /** Where it is already on the way to; null: nowhere. */
  get target(): number | null {
    return this.#target;
  }

  to(seconds: number, go: (seconds: number) => void, scope: Scope): void {
    this.#target = seconds;
    if (!this.#held) this.#apply(go, scope);
  }

  forget(): void {
    this.#target = null;
    this.#held = false;
  }

  #apply(go: (seconds: number) => void, scope: Scope): void {
    const target = this.#target;
    if (target === null) return;
    this.#target = null;
    this.#held = true;
    go(target);
    scope.after(EVERY_MS, () => {
      this.#held = false;
      this.#apply(go, scope);
    });
  }
}
