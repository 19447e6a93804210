// Passwords are kept as argon2id (RFC 9106) with the parameters that they were hashed with. Hashing is made to be slow and large, so no more than
// two are hashed at a time, a few more wait, and whoever comes after those is asked to come again (R-LOG-1).
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { TollgateError } from '../../domain/errors.ts';

export const SHORTEST_PASSWORD = 8;
export const LONGEST_PASSWORD = 128;

/** OWASP's least: 19 MiB, two passes, one lane. */
const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/;

const argon2id = promisify(argon2).bind(null, 'argon2id');

export async function hashOf(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await argon2id({ ...PARAMETERS, message: password, nonce: salt, tagLength: HASH_BYTES });
  const { memory, passes, parallelism } = PARAMETERS;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
}

export async function isPasswordOf(stored: string, password: string): Promise<boolean> {
  const [, memory, passes, parallelism, salt = '', hash = ''] = PHC.exec(stored) ?? [];
  const expected = Buffer.from(hash, 'base64');
  if (expected.length === 0) throw new Error('a stored password is no argon2id hash');
  const given = await argon2id({
    ...{ memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    ...{ message: password, nonce: Buffer.from(salt, 'base64'), tagLength: expected.length },
  });
  return timingSafeEqual(given, expected);
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}

const AT_A_TIME = 2;
const MOST_WAITING = 30;

/** Taken before a connection to PostgreSQL is: whoever waits here holds none. */
export class HashingTurns {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @throws TollgateError service_unavailable when too many wait already */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < AT_A_TIME) this.#running += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      // A turn is handed on, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING) {
      throw new TollgateError('service_unavailable', {
        message: 'Too many people sign in at this moment. Try again in a second.',
        retryAfterMs: 1_000,
      });
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
