// What every part of the fake is given: the state, the virtual clock, and on whose behalf something happens.
import { randomBytes } from 'node:crypto';
import type { Faults } from './faults.ts';
import type { Store } from './state/store.ts';

/** The request that an event names as its cause; null: Stripe did it by itself. */
export interface Cause {
  readonly id: string;
  readonly idempotency_key: string | null;
}

export class World {
  readonly store: Store;
  readonly faults: Faults;
  cause: Cause | null = null;
  /** The last that an endpoint refused or did not hear. */
  readonly webhooksNotTaken: { readonly event: string; readonly atMs: number; readonly why: string }[] = [];
  /** Where pages for people are served; known once we listen. */
  url = '';

  constructor(store: Store, faults: Faults) {
    this.store = store;
    this.faults = faults;
  }

  /** Virtual: as far from the real time as it was moved, and running on with it. */
  nowMs(): number {
    return Date.now() + (this.store.get('clock', 'clock')?.offsetMs ?? 0);
  }

  nowSeconds(): number {
    return Math.floor(this.nowMs() / 1000);
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function newId(prefix: string): string {
  const letters = [...randomBytes(24)].map((byte) => LETTERS[byte % LETTERS.length]);
  return `${prefix}_${letters.join('')}`;
}
