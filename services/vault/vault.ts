// Seals secrets for storage: a fresh AES-256-GCM data key per secret, itself sealed by a versioned master key (R-KEY-1).
// Both layers are bound to the place of the secret (table, row, column), and what it says also to the origin it may be sent to (R-KEY-4), so a
// sealed value that was changed, moved to another row or given another base URL does not open. The wrap alone says of which master key it is, and
// is renewed under another one by whoever knows the place: no secret is opened for that (D128).
// Errors name the place, never the secret and never a key.
import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { decrypt, encrypt } from './sealed-box.ts';

/**
 * Keys by their version, and the current one of them: of payload keys the one that encrypts; of master keys the one under which a new
 * installation begins to seal, as later on PostgreSQL says which seals (sealing.ts).
 */
export interface Keyring {
  readonly current: number;
  readonly keys: ReadonlyMap<number, KeyObject>;
}

/** Where a secret stands. */
export interface SealPlace {
  readonly table: string;
  readonly rowId: string;
  readonly column: string;
}

export interface SealContext extends SealPlace {
  /** scheme://host:port, as `new URL(baseUrl).origin` writes it. */
  readonly origin: string;
}

/** Plain JSON; every field but the master key's version is base64. */
export interface Sealed {
  readonly v: number;
  readonly wrapped: string;
  readonly wrapNonce: string;
  readonly wrapTag: string;
  readonly nonce: string;
  readonly tag: string;
  readonly data: string;
}

const KEY_BYTES = 32;

export class Vault {
  #keyring: Keyring;

  constructor(masterKeys: Keyring) {
    this.#keyring = masterKeys;
  }

  get keyring(): Keyring {
    return this.#keyring;
  }

  /** From now on it has these keys and no others. */
  replaceKeyring(masterKeys: Keyring): void {
    this.#keyring = masterKeys;
  }

  /** Under `v`, which whoever writes it asks of PostgreSQL (sealing.ts). */
  seal(plaintext: string, context: SealContext, v: number): Sealed {
    const dataKey = randomBytes(KEY_BYTES); // seals once; a master key stays far below what random nonces allow
    try {
      const { bytes, nonce, tag } = encrypt(dataKey, Buffer.from(plaintext, 'utf8'), boundData(context));
      const data = { nonce: nonce.toString('base64'), tag: tag.toString('base64'), data: bytes.toString('base64') };
      return { ...this.#wrap(dataKey, context, v), ...data };
    } finally {
      dataKey.fill(0);
    }
  }

  open(sealed: Sealed, context: SealContext): string {
    let dataKey: Buffer | null = null;
    try {
      dataKey = this.#unwrap(sealed, context);
      const inner = { bytes: decode(sealed.data), nonce: decode(sealed.nonce), tag: decode(sealed.tag) };
      return decrypt(dataKey, inner, boundData(context)).toString('utf8');
    } catch (error) {
      const { table, rowId, column, origin } = context;
      const place = `${table}.${column} of row ${rowId}, bound to ${origin},`;
      throw new Error(`The secret in ${place} does not open under master key ${sealed.v}: ${whyIn(error)}`);
    } finally {
      dataKey?.fill(0);
    }
  }

  /** The same secret under another master key. What it says stays as it is, and closed. */
  renewWrap(sealed: Sealed, place: SealPlace, v: number): Sealed {
    let dataKey: Buffer | null = null;
    try {
      dataKey = this.#unwrap(sealed, place);
      return { ...sealed, ...this.#wrap(dataKey, place, v) };
    } catch (error) {
      const { table, rowId, column } = place;
      throw new Error(
        `The wrap in ${table}.${column} of row ${rowId} is not renewed from master key ${sealed.v}: ${whyIn(error)}`,
      );
    } finally {
      dataKey?.fill(0);
    }
  }

  #wrap(dataKey: Buffer, place: SealPlace, v: number): Pick<Sealed, 'v' | 'wrapped' | 'wrapNonce' | 'wrapTag'> {
    const { bytes, nonce, tag } = encrypt(this.#masterKey(v), dataKey, boundWrap(v, place));
    return {
      v,
      wrapped: bytes.toString('base64'),
      wrapNonce: nonce.toString('base64'),
      wrapTag: tag.toString('base64'),
    };
  }

  #unwrap({ v, wrapped, wrapNonce, wrapTag }: Sealed, place: SealPlace): Buffer {
    const outer = { bytes: decode(wrapped), nonce: decode(wrapNonce), tag: decode(wrapTag) };
    return decrypt(this.#masterKey(v), outer, boundWrap(v, place));
  }

  #masterKey(version: number): KeyObject {
    const masterKey = this.#keyring.keys.get(version);
    if (masterKey === undefined) throw new Error(`there is no master key of version ${version}`);
    return masterKey;
  }
}

/** By which two processes find out whether they have the same key. It says nothing of it: whoever could guess 256 random bits needs no fingerprint. */
export function fingerprintOf(masterKey: KeyObject): Buffer {
  return createHmac('sha256', masterKey).update('tollgate master key').digest();
}

function whyIn(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown reason';
}

/**
 * `{"current":1,"keys":{"1":"<base64 of 32 bytes>"}}`. Refuses what would seal nothing, naming every fault at once; `purpose` is
 * how people call these keys.
 */
export function parseKeyring(purpose: string, json: string): Keyring {
  const { current, encoded } = readKeyring(purpose, json);
  const problems: string[] = [];
  const keys = new Map<number, KeyObject>();
  for (const [version, text] of encoded) {
    const isVersion = /^[1-9]\d{0,8}$/.test(version);
    const problem = problemOfKey(text);
    // A name that is no version is not repeated here: it may be a key, put on the wrong side of the colon.
    if (!isVersion) problems.push('a version is a whole number from 1, as in "keys":{"1":...}');
    else if (problem !== null) problems.push(`${purpose.toLowerCase()} key ${version}: ${problem}`);
    else keys.set(Number(version), createSecretKey(Buffer.from(String(text), 'base64')));
  }
  if (encoded.length === 0) problems.push(`there is no ${purpose.toLowerCase()} key in "keys"`);
  if (typeof current !== 'number' || !encoded.some(([version]) => version === String(current))) {
    problems.push('"current" must be the version of one of the "keys"');
  }
  if (problems.length > 0 || typeof current !== 'number')
    throw new Error(`${purpose} keys refused: ${problems.join('; ')}`);
  return { current, keys };
}

// JSON.parse quotes its input in its errors, and the input is full of keys.
function readKeyring(
  purpose: string,
  json: string,
): { current: unknown; encoded: readonly (readonly [string, unknown])[] } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw new Error(`${purpose} keys refused: they are not JSON of the form {"current":1,"keys":{"1":"<base64>"}}`);
  }
  const keyring = typeof parsed === 'object' && parsed !== null ? parsed : {};
  const current = 'current' in keyring ? keyring.current : null;
  const keys = 'keys' in keyring && typeof keyring.keys === 'object' ? keyring.keys : null;
  return { current, encoded: Object.entries(keys ?? {}) };
}

function problemOfKey(text: unknown): string | null {
  if (typeof text !== 'string' || text === '') return 'it is empty';
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) return 'it is not base64';
  if (bytes.length !== KEY_BYTES) return `it has ${bytes.length} bytes instead of ${KEY_BYTES}`;
  return isRandom(bytes) ? null : 'it was not made at random; make one with: openssl rand -base64 32';
}

/** One byte repeated, a row of numbers, or a sentence: no random key looks like these (a sentence: 1 in 10^13). */
function isRandom(bytes: Buffer): boolean {
  const step = Number(bytes[1]) - Number(bytes[0]);
  const isRow = bytes.every((byte, at) => byte === ((Number(bytes[0]) + at * step) & 0xff));
  return !isRow && !bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** As JSON arrays: no two different contexts have the same text, whatever stands in their fields. */
function boundData({ table, rowId, column, origin }: SealContext): Buffer {
  return Buffer.from(JSON.stringify(['tollgate-seal', 'data', table, rowId, column, origin]), 'utf8');
}

function boundWrap(v: number, { table, rowId, column }: SealPlace): Buffer {
  return Buffer.from(JSON.stringify(['tollgate-seal', 'data-key', v, table, rowId, column]), 'utf8');
}

// Node reads base64 leniently, so several texts stand for the same bytes; only the canonical one is ours.
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new Error('a field of it is not base64');
  return bytes;
}
