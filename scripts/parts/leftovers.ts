// Which processes a launcher has started, written down where the next one finds them: after kill -9 of everything,
// the next start ends what was left, in the reverse of the order in which it came up.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './atomic-file.ts';
import { type GroupLeader, isAlive, stopGroup } from './process-group.ts';

export interface RunningPart extends GroupLeader {
  readonly part: string;
  readonly stopSignal: NodeJS.Signals;
  readonly graceMs: number;
  /** 0 came up first. A part that was restarted keeps its place. */
  readonly place: number;
}

/** Names of the parts that were found alive and are gone now. */
export async function stopLeftovers(home: string): Promise<string[]> {
  const stopped: string[] = [];
  for (const left of recordedParts(home).sort((a, b) => b.place - a.place)) {
    if (isAlive(left)) stopped.push(`${left.part} (process ${left.pid})`);
    await stopGroup(left, left.stopSignal, left.graceMs);
    forget(home, left.part);
  }
  return stopped;
}

export function record(home: string, running: Omit<RunningPart, 'place'>): void {
  const others = recordedParts(home);
  const place = others.find(({ part }) => part === running.part)?.place ?? others.length;
  replaceFile(fileOf(home, running.part), `${JSON.stringify({ ...running, place })}\n`, 0o644);
}

export function forget(home: string, part: string): void {
  rmSync(fileOf(home, part), { force: true });
}

function fileOf(home: string, part: string): string {
  return join(home, 'run', `${part}.json`);
}

function recordedParts(home: string): RunningPart[] {
  const folder = join(home, 'run');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RunningPart);
}
