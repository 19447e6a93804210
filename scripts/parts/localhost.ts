// The name localhost: a root that debootstrap has made has no /etc/hosts, and there browsers alone know it. The tests need it, since a passkey is bound to
// a name and to no address, and a page to a site.
import { lookup } from 'node:dns/promises';
import { appendFileSync } from 'node:fs';

const HOSTS = '/etc/hosts';
const LINE = '127.0.0.1 localhost';
export const NAME_LOCALHOST = `echo '${LINE}' >> ${HOSTS}`;

/** Whether it has an address. As root it is given one where it has none. */
export async function nameLocalhost(say: (text: string) => void): Promise<boolean> {
  if (await hasAddress()) return true;
  if (process.getuid?.() !== 0) return false;
  say(`it has no address here, so it is given one: ${NAME_LOCALHOST}`);
  appendFileSync(HOSTS, `${LINE}\n`);
  return hasAddress();
}

async function hasAddress(): Promise<boolean> {
  return lookup('localhost').then(
    () => true,
    () => false,
  );
}
