// Looks for every secret in everything that was written down, by grep, which neither decodes nor skips. A place in which it does not find what is known to stand there
// was not searched, and is named as such (D158).
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Canaries } from './canaries.ts';
import type { Evidence } from './evidence.ts';

/** As grep says it; 2 would be that something could not be read. */
const NOTHING_FOUND = 1;

export interface Searched {
  /** Whose secret was found where. It is not told itself. */
  readonly findings: readonly string[];
  /** Places in which nothing can be found. */
  readonly blind: readonly string[];
  readonly places: number;
}

/** `patterns`: where the words are written, which is no place of the product's. */
export async function searchCanaries(
  evidence: readonly Evidence[],
  canaries: Canaries,
  patterns: string,
): Promise<Searched> {
  const words = canaries.words();
  writeFileSync(patterns, [...words.keys()].join('\n'));
  const findings: string[] = [];
  const blind: string[] = [];
  const there = evidence.filter(({ path }) => existsSync(path));
  for (const { what, path, known } of there) {
    for (const word of await found(['-f', patterns], path))
      findings.push(`${words.get(word) ?? 'a secret'} stands in ${what}`);
    if (known !== null && (await found(['-e', known], path)).size === 0) blind.push(what);
  }
  for (const { what, known } of evidence)
    if (known !== null && !there.some((one) => one.what === what)) blind.push(what);
  return { findings, blind, places: there.length };
}

/** What of the words stands there. */
async function found(words: readonly string[], path: string): Promise<Set<string>> {
  const args = ['-raohF', ...words, path];
  const { stdout } = await promisify(execFile)('grep', args, {
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C' },
  }).catch((error: { code: number; stdout: string; stderr: string }) => {
    if (error.code === NOTHING_FOUND) return error;
    throw new Error(`grep: ${error.stderr}`);
  });
  return new Set(stdout.split('\n').filter(Boolean));
}
