// Starts the process beside this one that asks for the money of a bill.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Till } from '../till.ts';

const PROGRAM = fileURLToPath(new URL('main.ts', import.meta.url));

/** Its first attempt. */
export function startCharging({ database, stripeUrl }: Till, billId: string): ChildProcess {
  const args = [PROGRAM, database.urlFor('worker'), stripeUrl, billId];
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args]);
}
