// A file that is read after a crash is whole: the old text or the new one, never half of it. So is a folder that is made beside
// its place and then moved there.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

export function replaceFile(path: string, text: string, mode: number): void {
  const draft = `${path}.${process.pid}.draft`;
  const file = openSync(draft, 'w', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

/** Two processes may make the same folder at once: the first one wins, the other's draft is thrown away. */
export function moveFolder(draft: string, destination: string): void {
  try {
    renameSync(draft, destination);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(destination)) throw error;
  }
}
