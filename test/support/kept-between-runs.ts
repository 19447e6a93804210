// What is dear to make is kept in the folder for temporary files, under a name that tells what it was made from, while it is used.
import { globSync, rmSync, statSync } from 'node:fs';

const DAY_MS = 86_400_000;

/** Whoever uses one touches it. */
export function removeStale(prefix: string): void {
  for (const kept of globSync(`${prefix}*`)) {
    const usedAtMs = statSync(kept, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - usedAtMs > DAY_MS) rmSync(kept, { recursive: true, force: true });
  }
}
