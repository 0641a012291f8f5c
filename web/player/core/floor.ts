import type { Chosen } from "./element.ts";

/**
 * Who has the floor: of all players on a page one is heard at a time, and a new one makes the old one let go.
 * What a listener chose for one call (speed, volume) holds for the next.
 */
export class Floor {
  readonly chosen: Chosen = { rate: 1, volume: 1, muted: false };
  #holder: { release(): void } | null = null;

  take(player: { release(): void }): void {
    if (this.#holder === player) return;
    const before = this.#holder;
    this.#holder = player;
    before?.release();
  }

  leave(player: { release(): void }): void {
    if (this.#holder === player) this.#holder = null;
  }
}

export const pageFloor = new Floor();
