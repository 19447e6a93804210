// The credential of an API key: `sk-tg-`, 32 random bytes in 43 base62 characters, and 6 characters of checksum.
// The checksum tells a typing error or a random string from a credential without a question to the database, and lets
// secret scanners recognise one. The credential itself is stored nowhere: the digest finds its row (D2), the rest is for people.
import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

export interface NewCredential {
  /** Shown once. */
  readonly credential: string;
  readonly digest: Buffer;
  readonly prefix: string;
  readonly lastFour: string;
}

const PREFIX = 'sk-tg-';
const RANDOM_BYTES = 32;
const RANDOM_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
const SHOWN_CHARACTERS = PREFIX.length + 4;
const SHAPE = /^sk-tg-[0-9A-Za-z]{49}$/;
const IN_TEXT = /sk-tg-[0-9A-Za-z]{49}/g;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export function newCredential(): NewCredential {
  const random = base62(BigInt(`0x${randomBytes(RANDOM_BYTES).toString('hex')}`), RANDOM_CHARACTERS);
  const credential = PREFIX + random + checksumOf(random);
  return {
    credential,
    digest: Buffer.from(digestOf(credential), 'hex'),
    prefix: credential.slice(0, SHOWN_CHARACTERS),
    lastFour: credential.slice(-4),
  };
}

/** SHA-256 in hex; the key of the cache. 256 random bits need no pepper and no slow hash. */
export function digestOf(credential: string): string {
  return hash('sha256', credential, 'hex');
}

export function hasValidChecksum(credential: string): boolean {
  if (!SHAPE.test(credential)) return false;
  const end = PREFIX.length + RANDOM_CHARACTERS;
  return checksumOf(credential.slice(PREFIX.length, end)) === credential.slice(end);
}

/** What looks like one is taken out, wherever it stands. Before a text is cut: most of one would stay in it. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(IN_TEXT, '[credential]');
}

function checksumOf(random: string): string {
  return base62(BigInt(crc32(random)), CHECKSUM_CHARACTERS);
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = BASE62.charAt(Number(rest % 62n)) + text;
  return text;
}
