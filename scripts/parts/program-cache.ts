// Programs that were fetched once, under $TOLLGATE_HOME/programs: each in a folder of its own beside its SHA-256, so that one that
// was damaged since (a full disk, a machine that lost power) is noticed before it runs. A folder is complete or absent.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { moveFolder } from './atomic-file.ts';

const DIGEST = 'sha256';
/** Longer than any fetch takes. */
const ABANDONED_MS = 3_600_000;

export interface CachePlace {
  /** <home>/programs/temporal-1.9.1-linux-x64 */
  readonly folder: string;
  readonly program: string;
}

/** By platform too: a checkout may be carried to another machine. */
export function placeOf(home: string, program: string, version: string): CachePlace {
  const { platform, arch } = process;
  return { folder: join(home, 'programs', `${program}-${version}-${platform}-${arch}`), program };
}

/** Null when there is none, or not the one that was kept. */
export async function keptProgram({ folder, program }: CachePlace): Promise<string | null> {
  const file = join(folder, program);
  if (!existsSync(file) || !existsSync(join(folder, DIGEST))) return null;
  return (await digestOf(file)) === readFileSync(join(folder, DIGEST), 'utf8') ? file : null;
}

/** fetch writes the program into the folder that it is given; what it leaves when it fails is removed. */
export async function keepProgram(place: CachePlace, fetch: (draft: string) => Promise<void>): Promise<string> {
  mkdirSync(dirname(place.folder), { recursive: true });
  removeAbandoned(place);
  const draft = mkdtempSync(`${place.folder}.`);
  try {
    await fetch(draft);
    writeFileSync(join(draft, DIGEST), await digestOf(join(draft, place.program)));
    if ((await keptProgram(place)) === null) rmSync(place.folder, { recursive: true, force: true });
    chmodSync(draft, 0o755);
    moveFolder(draft, place.folder);
    return join(place.folder, place.program);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** What a fetch that was killed has left. Others may be fetching at this moment. */
function removeAbandoned({ folder }: CachePlace): void {
  for (const draft of globSync(`${folder}.*`)) {
    const begunAtMs = statSync(draft, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - begunAtMs > ABANDONED_MS) rmSync(draft, { recursive: true, force: true });
  }
}

async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(file), digest);
  return digest.digest('hex');
}
