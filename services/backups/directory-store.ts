// Backups in a folder, which is the default: of another disk, or of another machine that is mounted. A file is written beside its
// place, brought to the disk and moved there, so that whatever is killed leaves a whole backup or none.
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectStore } from './object-store.ts';
import { BackupRejected } from './rejection.ts';

const UNFINISHED = '.unfinished';
const OWNER_ONLY = 0o600;
/** Longer than a dump may take. */
const ABANDONED_MS = 24 * 3_600_000;

export class DirectoryStore implements ObjectStore {
  readonly place: string;

  constructor(folder: string) {
    this.place = folder;
  }

  async put(object: string, bytes: AsyncIterable<Buffer>): Promise<void> {
    await mkdir(this.place, { recursive: true, mode: 0o700 });
    await this.#removeAbandoned();
    const draft = `${this.#fileOf(object)}${UNFINISHED}`;
    try {
      await writeWhole(draft, bytes);
      await rename(draft, this.#fileOf(object));
      await bringToDisk(this.place);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async *get(object: string): AsyncGenerator<Uint8Array> {
    if ((await this.sizeOf(object)) === null) throw new BackupRejected(`${object} is not in ${this.place}`);
    yield* createReadStream(this.#fileOf(object), { highWaterMark: 262_144 });
  }

  /** Null: there is none. */
  async sizeOf(object: string): Promise<number | null> {
    return await stat(this.#fileOf(object)).then(
      ({ size }) => size,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      },
    );
  }

  async list(prefix: string): Promise<string[]> {
    await mkdir(this.place, { recursive: true, mode: 0o700 });
    const files = await readdir(this.place);
    return files.filter((file) => file.startsWith(prefix) && !file.endsWith(UNFINISHED)).sort();
  }

  async remove(object: string): Promise<void> {
    await rm(this.#fileOf(object), { force: true });
  }

  /** Of attempts that were killed and that nobody repeats. */
  async #removeAbandoned(): Promise<void> {
    for (const file of await readdir(this.place)) {
      const { mtimeMs } = file.endsWith(UNFINISHED) ? await stat(this.#fileOf(file)) : { mtimeMs: Number.NaN };
      if (Date.now() - mtimeMs > ABANDONED_MS) await rm(this.#fileOf(file), { force: true });
    }
  }

  #fileOf(object: string): string {
    return join(this.place, object);
  }
}

async function writeWhole(file: string, bytes: AsyncIterable<Buffer>): Promise<void> {
  const handle = await open(file, 'w', OWNER_ONLY);
  try {
    for await (const piece of bytes) await handle.writeFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Or a machine that loses power forgets the name. */
async function bringToDisk(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
