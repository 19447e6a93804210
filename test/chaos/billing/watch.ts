// Who is hurt by a kill: somebody asks each part for something all the time, and a kill that no one of them has felt proves nothing.
import { setTimeout as wait } from 'node:timers/promises';

export const VICTIMS = ['worker', 'gateway', 'temporal', 'postgres', 'stripe', 'inbox'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Hurt {
  readonly at: number;
  /** Whom it was asked for. */
  readonly of: Victim;
  /** The process that was asked, where there are several. */
  readonly name: string;
  readonly what: string;
}

export interface Asked {
  readonly of: Victim;
  readonly name: string;
  /** Rejects when it is away. */
  ask(): Promise<void>;
}

const ASK_EVERY_MS = 100;

export class Watch {
  readonly hurts: Hurt[] = [];
  readonly #over = new AbortController();
  readonly #rounds: readonly Promise<void>[];

  constructor(parts: readonly Asked[]) {
    this.#rounds = parts.map((part) => this.#askOn(part));
  }

  /** Of this part, since then. */
  felt(of: Victim, name: string, sinceMs: number): boolean {
    return this.hurts.some((hurt) => hurt.of === of && hurt.name === name && hurt.at >= sinceMs);
  }

  async close(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#rounds);
  }

  async #askOn({ of, name, ask }: Asked): Promise<void> {
    while (!this.#over.signal.aborted) {
      await ask().catch((error: unknown) => {
        this.hurts.push({ at: Date.now(), of, name, what: error instanceof Error ? error.message : String(error) });
      });
      await wait(ASK_EVERY_MS);
    }
  }
}
