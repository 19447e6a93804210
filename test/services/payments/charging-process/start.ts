// Starts the processes beside this one: one that asks for the money of a bill, and one that follows what Stripe tells.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Till } from '../till.ts';

/** Its first attempt. */
export function startCharging(till: Till, billId: string): ChildProcess {
  return start('main.ts', till, billId);
}

export function startFollowing(till: Till): ChildProcess {
  return start('following.ts', till);
}

function start(program: string, { database, stripeUrl }: Till, ...further: string[]): ChildProcess {
  const args = [fileURLToPath(new URL(program, import.meta.url)), database.urlFor('worker'), stripeUrl, ...further];
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args]);
}
