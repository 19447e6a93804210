// The browser in which the console is tried: one on PATH, else Debian's package when root. Only tests need it.
import { installFromDebian } from './debian-package.ts';
import { onPath } from './on-path.ts';

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
/** With letters for both languages of the console. */
export const INSTALL_CHROMIUM =
  'apt-get install -y --no-install-recommends chromium fonts-wqy-zenhei fonts-dejavu-core';

export function findChromium(): string | null {
  return onPath(BROWSERS);
}

/** Null: there is none, and none may be installed. */
export async function findOrInstallChromium(say: (text: string) => void): Promise<string | null> {
  const found = findChromium();
  if (found !== null || process.getuid?.() !== 0 || onPath(['apt-get']) === null) return found;
  await installFromDebian(INSTALL_CHROMIUM, say);
  return findChromium();
}
