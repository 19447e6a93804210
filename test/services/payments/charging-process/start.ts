// Starts the processes beside this one: one that asks for the money of a bill, one that follows what Stripe tells, and one that reports taxes.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Till } from '../till.ts';

const CHARGING = fileURLToPath(new URL('main.ts', import.meta.url));
const FOLLOWING = fileURLToPath(new URL('following.ts', import.meta.url));
const REPORTING = fileURLToPath(new URL('reporting.ts', import.meta.url));

/** Its first attempt. */
export function startCharging(till: Till, billId: string): ChildProcess {
  return start(CHARGING, till, billId);
}

export function startFollowing(till: Till): ChildProcess {
  return start(FOLLOWING, till);
}

export function startReporting(till: Till): ChildProcess {
  return start(REPORTING, till);
}

function start(program: string, { database, stripeUrl }: Till, ...further: string[]): ChildProcess {
  const args = [program, database.urlFor('worker'), stripeUrl, ...further];
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args]);
}
