// Which port a part listens on. What the operator named is taken or refused; a default that is taken makes way for the next free one.
// Launchers that start at the same moment must not choose the same port and answer each other's probes: the choice is
// held by a UDP socket of the same number, which the kernel gives to one process and takes back when that process dies.
import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';

/** 8080, 8090, 8100 ...: two parts with neighbouring defaults do not push each other on. */
const STEP = 10;
const TRIES = 200;
const HIGHEST = 65_535;

export interface ReservedPort {
  readonly number: number;
  /** What to tell the operator when it is not the default, else null. */
  readonly note: string | null;
  release(): void;
}

export async function reserveDefaultPort(preferred: number): Promise<ReservedPort> {
  for (let attempt = 0; attempt < TRIES && preferred + attempt * STEP <= HIGHEST; attempt += 1) {
    const number = preferred + attempt * STEP;
    const hold = await reserve(number);
    if (hold === null) continue;
    const note = attempt === 0 ? null : `port ${preferred} is taken, using ${number}`;
    return { number, note, release: () => hold.close() };
  }
  throw new Error(`no free port found from ${preferred} on`);
}

export async function reserveNamedPort(variable: string, value: string): Promise<ReservedPort> {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > HIGHEST) {
    throw new Error(`${variable}=${value} is not a port: give a whole number from 1 to ${HIGHEST}`);
  }
  const hold = await reserve(number);
  if (hold === null) throw new Error(`port ${number} (${variable}) is taken: stop what listens there or name another`);
  return { number, note: null, release: () => hold.close() };
}

async function reserve(number: number): Promise<Socket | null> {
  const hold = await bound(number);
  if (hold === null) return null;
  if ((await isFree(number, '127.0.0.1')) && (await isFree(number, undefined))) return hold;
  hold.close();
  return null;
}

function bound(number: number): Promise<Socket | null> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => resolve(null));
    socket.bind({ port: number, address: '127.0.0.1', exclusive: true }, () => resolve(socket.unref()));
  });
}

/** No host means every address: some systems let a listener on one address and a listener on all of them coexist. */
function isFree(port: number, host: string | undefined): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
