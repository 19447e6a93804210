// Temporal's server as production runs it comes as source only: it is built once with Go, and kept outside of any checkout.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runInterruptibly } from '../../scripts/parts/interruptible-command.ts';
import { onPath } from '../../scripts/parts/on-path.ts';
import { keepProgram, keptProgram, placeOf } from '../../scripts/parts/program-cache.ts';

export const TEMPORAL_VERSION = '1.31.2';
const BUILD_MS = 1_800_000;
/** As Go names what it builds. */
const PACKAGES = { server: 'cmd/server', sql: 'cmd/tools/sql' } as const;

export interface TemporalPrograms {
  readonly server: string;
  /** Makes its schema, which is in it. */
  readonly sql: string;
}

/** @throws Error when they are not kept and there is no Go */
export async function temporalPrograms(
  say: (text: string) => void,
  interrupted: AbortSignal,
): Promise<TemporalPrograms> {
  return { server: await program('server', say, interrupted), sql: await program('sql', say, interrupted) };
}

async function program(
  name: keyof typeof PACKAGES,
  say: (text: string) => void,
  interrupted: AbortSignal,
): Promise<string> {
  const home = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tollgate');
  const place = { ...placeOf(home, `temporal-${name}`, TEMPORAL_VERSION), program: name };
  const kept = await keptProgram(place);
  if (kept !== null) return kept;
  const go = onPath(['go']);
  if (go === null) {
    throw new Error(`Temporal's server ${TEMPORAL_VERSION} is built with Go, and there is no go on PATH: install Go`);
  }
  say(`building ${PACKAGES[name]} ${TEMPORAL_VERSION} with Go, which takes minutes; it is kept in ${place.folder}`);
  return await keepProgram(place, async (folder) => {
    const args = ['install', `go.temporal.io/server/${PACKAGES[name]}@v${TEMPORAL_VERSION}`];
    const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0' };
    await runInterruptibly(go, args, { folder, env }, AbortSignal.any([interrupted, AbortSignal.timeout(BUILD_MS)]));
  });
}
