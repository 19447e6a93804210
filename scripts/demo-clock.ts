// The clock of billing as scripts read and move it: what falls due on the way is done when these answer.
import { z } from 'zod';
import type { Staff } from './staff.ts';

export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const Clock = z.object({ now: z.iso.datetime() });
const Advanced = z.object({ to: z.iso.datetime() });

export async function billingNow(staff: Staff): Promise<Date> {
  return new Date((await staff.read('/demo/clock', Clock)).now);
}

/** Not back: where it is later by now, it stays. */
export async function advanceTo(staff: Staff, untilMs: number): Promise<void> {
  const minutes = Math.ceil((untilMs - (await billingNow(staff)).getTime()) / MINUTE_MS);
  if (minutes > 0) await staff.ask('/demo/clock', { advance: `${minutes} minutes` }, Advanced);
}
