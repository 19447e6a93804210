// docs/operations.md as an operator uses it: commands are taken from the page and typed as they stand there; only addresses and what is in
// angle brackets are filled in.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { homeFolder } from '../../scripts/parts/home.ts';
import { findOrFetch, TEMPORAL } from '../../scripts/parts/temporal-programs.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');

/** The blocks of commands of a section, in their order. */
export function commandsOf(section: string): string[] {
  const text = PAGE.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';
  return [...text.matchAll(/```\n([^`]*)```/g)].map(([, block = '']) => block);
}

const SETTINGS = (commandsOf('Workflows')[0] ?? '').split('\n').slice(0, 2).join('\n');

export interface Surroundings {
  readonly temporalAddress: string;
  readonly workerUrl: string;
  /** `<you>` -> 'Ada' */
  readonly filledIn: Readonly<Record<string, string>>;
}

/** What they printed; rejects when one of them fails. */
export async function typed(commands: string, { temporalAddress, workerUrl, filledIn }: Surroundings): Promise<string> {
  const interrupted = new AbortController().signal;
  const { file } = await findOrFetch(TEMPORAL, { ...homeFolder(), say: () => undefined, interrupted });
  const addressed = `${SETTINGS}\n${commands}`
    .replaceAll('127.0.0.1:7233', temporalAddress)
    .replaceAll('http://127.0.0.1:8083', workerUrl);
  const filled = Object.entries(filledIn).reduce((text, [blank, word]) => text.replaceAll(blank, word), addressed);
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', filled], {
    env: { PATH: `${dirname(file)}:${process.env.PATH}`, HOME: dirname(file) },
  });
  return stdout;
}
