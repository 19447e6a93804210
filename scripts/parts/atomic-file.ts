// A file that is read after a crash is whole: the old text or the new one, never half of it.
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';

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
