// What gateways and workers have written about work of theirs that failed because another part was away. Only what names that part is taken:
// an error that was ordered from the fake Stripe or the mail server looks otherwise.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Complaints, Victim } from './complaints.ts';

export interface Addresses {
  readonly postgres: string;
  readonly stripe: string;
  readonly temporal: string;
  readonly inbox: string;
}

const WARNING = 40;
/** A worker asks Temporal now and then whether it is there: what that finds is no work that failed. */
const NO_WORK = new Set(['temporal_away']);
/** As Temporal's core says it, and as Node says it. */
const REFUSED = /ConnectionRefused|ECONNREFUSED/;
const OF_POSTGRES = /the database system is |terminating connection|Connection terminated/;

export class ProcessLog {
  readonly #name: string;
  readonly #file: string;
  readonly #addresses: Addresses;
  #readBytes = 0;

  constructor(name: string, file: string, addresses: Addresses) {
    this.#name = name;
    this.#file = file;
    this.#addresses = addresses;
  }

  /** What has been written since the last time. */
  readOn(complaints: Complaints): void {
    for (const line of this.#newLines()) {
      const { level = 0, time = 0, msg = '' } = entryOf(line);
      const of = level < WARNING || NO_WORK.has(msg) ? null : this.#missing(line);
      if (of !== null) complaints.hear({ atMs: time, of, pid: null, by: this.#name, what: msg });
    }
  }

  #missing(line: string): Victim | null {
    const { postgres, stripe, temporal, inbox } = this.#addresses;
    if (line.includes(`ECONNREFUSED ${stripe}`)) return 'stripe';
    if (line.includes(`ECONNREFUSED ${inbox}`)) return 'inbox';
    if (line.includes(temporal) && REFUSED.test(line)) return 'temporal';
    return OF_POSTGRES.test(line) || line.includes(`ECONNREFUSED ${postgres}`) ? 'postgres' : null;
  }

  #newLines(): string[] {
    const file = openSync(this.#file, 'r');
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - this.#readBytes);
      readSync(file, bytes, 0, bytes.length, this.#readBytes);
      // The last line may still be under way.
      const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
      this.#readBytes += whole.length;
      return whole.toString().split('\n');
    } finally {
      closeSync(file);
    }
  }
}

function entryOf(line: string): { readonly level?: number; readonly time?: number; readonly msg?: string } {
  try {
    return JSON.parse(line);
  } catch {
    return {}; // what a process says when it is not ours, or was killed in the middle of a line
  }
}
