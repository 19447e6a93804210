// What the page of operations is typed with: one on PATH, else Debian's package when root. Only tests need it.
import { installFromDebian } from './debian-package.ts';
import { onPath } from './on-path.ts';

export const INSTALL_CURL = 'apt-get install -y --no-install-recommends curl';

/** Null: there is none, and none may be installed. */
export async function findOrInstallCurl(say: (text: string) => void): Promise<string | null> {
  const found = onPath(['curl']);
  if (found !== null || process.getuid?.() !== 0 || onPath(['apt-get']) === null) return found;
  await installFromDebian(INSTALL_CURL, say);
  return onPath(['curl']);
}
