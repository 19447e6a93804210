// Reads single counts of a provider's usage object. One count that cannot be true condemns the whole object: a broken
// provider is quarantined, not half believed (gateways.md T7).
import { MAX_METER, type Usage } from '../../../domain/meters.ts';
import { isJsonObject, type JsonObject } from './json-values.ts';

export interface UsageReading {
  readonly usage: Usage | null;
  readonly implausible: boolean;
}

const NO_USAGE: UsageReading = { usage: null, implausible: false };
const IMPLAUSIBLE: UsageReading = { usage: null, implausible: true };

/** `null` in the place of a usage object is every provider's way of saying "not yet". */
export function readingOfNonObject(raw: unknown): UsageReading {
  return raw === null || raw === undefined ? NO_USAGE : IMPLAUSIBLE;
}

export class UsageCounts {
  #implausible = false;

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

  reading(usage: Usage | null): UsageReading {
    return this.#implausible ? IMPLAUSIBLE : { usage, implausible: false };
  }
}
