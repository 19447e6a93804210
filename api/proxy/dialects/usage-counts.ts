// Reads single counts of a provider's usage object. One count that cannot be true condemns the whole object: a broken
// provider is quarantined, not half believed (gateways.md T7).
import { MAX_METER, type Usage } from '../../../domain/meters.ts';
import { isJsonObject, type JsonObject } from './json-values.ts';

export interface UsageReading {
  readonly usage: Usage | null;
  readonly implausible: boolean;
  /** Its parts did not add up to its whole. */
  readonly repaired: boolean;
}

const NO_USAGE: UsageReading = { usage: null, implausible: false, repaired: false };
const IMPLAUSIBLE: UsageReading = { usage: null, implausible: true, repaired: false };

/** `null` in the place of a usage object is every provider's way of saying "not yet". */
export function readingOfNonObject(raw: unknown): UsageReading {
  return raw === null || raw === undefined ? NO_USAGE : IMPLAUSIBLE;
}

export class UsageCounts {
  #implausible = false;
  #repaired = false;

  /** null where the provider says nothing; an explicit 0 is a value (T24). */
  count(from: JsonObject, name: string): number | null {
    const value = from[name];
    if (value === undefined || value === null) return null;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_METER) return value;
    this.#implausible = true;
    return null;
  }

  details(from: JsonObject, name: string): JsonObject {
    const value = from[name];
    return isJsonObject(value) ? value : {};
  }

  /** For the part of a whole that is smaller. */
  within(whole: number, part: number): number {
    if (part > whole) this.#repaired = true;
    return Math.min(part, whole);
  }

  /** Stated twice, and not alike. */
  disagree(): void {
    this.#repaired = true;
  }

  reading(usage: Usage | null): UsageReading {
    return this.#implausible ? IMPLAUSIBLE : { usage, implausible: false, repaired: this.#repaired };
  }
}
