// What the processes that are ours have in common: this Node, a file of this checkout, and TERM to ask them to leave.
import { join } from 'node:path';
import type { Launch } from './home.ts';
import type { ProcessPlan } from './supervised-process.ts';

type OwnProgram = Pick<ProcessPlan, 'command' | 'args' | 'folder' | 'user' | 'input' | 'stopSignal'>;

/** file: api/main.ts; how V8 is to run it */
export function ownProgram({ checkout }: Launch, file: string, flags: readonly string[] = []): OwnProgram {
  return {
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', ...flags, join(checkout, file)],
    folder: checkout,
    user: null,
    input: null,
    stopSignal: 'SIGTERM',
  };
}
