// Seals secrets for storage: a fresh AES-256-GCM data key per secret, itself sealed by a versioned master key (R-KEY-1).
// Both layers are bound to the place of the secret (table, row, column) and to the origin it may be sent to (R-KEY-4), so a
// sealed value that was changed, moved to another row or given another base URL does not open.
// Errors name the place, never the secret and never a key.
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { decrypt, encrypt } from './sealed-box.ts';

/** Keys by their version, and the version that seals now; the others still open. */
export interface Keyring {
  readonly current: number;
  readonly keys: ReadonlyMap<number, KeyObject>;
}

export interface SealContext {
  readonly table: string;
  readonly rowId: string;
  readonly column: string;
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
  readonly currentVersion: number;
  readonly #keys: ReadonlyMap<number, KeyObject>;

  constructor(masterKeys: Keyring) {
    this.currentVersion = masterKeys.current;
    this.#keys = masterKeys.keys;
  }

  seal(plaintext: string, context: SealContext): Sealed {
    const v = this.currentVersion;
    const dataKey = randomBytes(KEY_BYTES); // seals once; a master key stays far below what random nonces allow
    try {
      const inner = encrypt(dataKey, Buffer.from(plaintext, 'utf8'), associatedData('data', v, context));
      const outer = encrypt(this.#masterKey(v), dataKey, associatedData('data-key', v, context));
      return {
        v,
        wrapped: outer.bytes.toString('base64'),
        wrapNonce: outer.nonce.toString('base64'),
        wrapTag: outer.tag.toString('base64'),
        nonce: inner.nonce.toString('base64'),
        tag: inner.tag.toString('base64'),
        data: inner.bytes.toString('base64'),
      };
    } finally {
      dataKey.fill(0);
    }
  }

  open(sealed: Sealed, context: SealContext): string {
    let dataKey: Buffer | null = null;
    try {
      const outer = { bytes: decode(sealed.wrapped), nonce: decode(sealed.wrapNonce), tag: decode(sealed.wrapTag) };
      dataKey = decrypt(this.#masterKey(sealed.v), outer, associatedData('data-key', sealed.v, context));
      const inner = { bytes: decode(sealed.data), nonce: decode(sealed.nonce), tag: decode(sealed.tag) };
      return decrypt(dataKey, inner, associatedData('data', sealed.v, context)).toString('utf8');
    } catch (error) {
      const { table, rowId, column, origin } = context;
      const place = `${table}.${column} of row ${rowId}, bound to ${origin},`;
      const why = error instanceof Error ? error.message : 'unknown reason';
      throw new Error(`The secret in ${place} does not open under master key ${sealed.v}: ${why}`);
    } finally {
      dataKey?.fill(0);
    }
  }

  #masterKey(version: number): KeyObject {
    const masterKey = this.#keys.get(version);
    if (masterKey === undefined) throw new Error(`there is no master key of version ${version}`);
    return masterKey;
  }
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

/** As a JSON array: no two different contexts have the same text, whatever stands in their fields. */
function associatedData(layer: 'data' | 'data-key', v: number, { table, rowId, column, origin }: SealContext): Buffer {
  return Buffer.from(JSON.stringify(['tollgate-seal', layer, v, table, rowId, column, origin]), 'utf8');
}

// Node reads base64 leniently, so several texts stand for the same bytes; only the canonical one is ours.
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new Error('a field of it is not base64');
  return bytes;
}
