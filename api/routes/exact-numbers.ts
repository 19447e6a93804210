// Amounts in shapes that other products chose, which have a JSON number where we would have a string. The digits of the
// amount itself are written: a double would do for a display and not for an addition.
import { z } from 'zod';
import { formatUsd, nano } from '../../domain/nano.ts';

declare global {
  interface JSON {
    // In V8 since 11.4, not yet in TypeScript's libraries.
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

export const exactNumber = z
  .custom<object>((value) => JSON.isRawJSON(value))
  .meta({ type: 'number', description: 'All digits are exact' });

/** 8755000n -> 0.008755000 */
export function usd(amount: bigint): object {
  return JSON.rawJSON(formatUsd(nano(amount)));
}

/** 8755000n -> 0.875500000 */
export function cents(amount: bigint): object {
  return usd(amount * 100n);
}

/** Micro-USD per million tokens are pico-USD per token: 2500000 -> "0.000002500000" */
export function usdPerToken(microUsdPerMillion: number): string {
  const digits = microUsdPerMillion.toString().padStart(13, '0');
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`;
}
