// Encrypts what Temporal stores: inputs, results, summaries, details. AES-256-GCM under a versioned key whose id stands beside the
// ciphertext, so histories of an earlier key open for as long as that key is kept. A payload that is not encrypted passes
// unchanged: an operator's command line has no key, and what it starts must work. The keys are no master keys (D45).
import type { KeyObject } from 'node:crypto';
import { decrypt, encrypt, NONCE_BYTES, TAG_BYTES } from './sealed-box.ts';
import type { Keyring } from './vault.ts';

/** As Temporal has it. */
export interface Payload {
  metadata?: { [name: string]: Uint8Array } | null;
  data?: Uint8Array | null;
}

const ENCODING = 'binary/encrypted';

export class PayloadCodec {
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  async encode(payloads: readonly Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => this.#encrypt(payload));
  }

  async decode(payloads: readonly Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (keyIdOf(payload) === null ? payload : this.#decrypt(payload)));
  }

  #encrypt(payload: Payload): Payload {
    const keyId = String(this.#keyring.current);
    const { nonce, bytes, tag } = encrypt(this.#payloadKey(keyId), packed(payload), associatedData(keyId));
    const data = Buffer.concat([nonce, bytes, tag]);
    return { metadata: { encoding: Buffer.from(ENCODING), 'encryption-key-id': Buffer.from(keyId) }, data };
  }

  #decrypt(payload: Payload): Payload {
    const keyId = keyIdOf(payload) ?? '';
    const data = Buffer.from(payload.data ?? []);
    if (data.length < NONCE_BYTES + TAG_BYTES) throw new Error('an encrypted payload is cut short');
    const nonce = data.subarray(0, NONCE_BYTES);
    const bytes = data.subarray(NONCE_BYTES, -TAG_BYTES);
    return unpacked(
      decrypt(this.#payloadKey(keyId), { nonce, bytes, tag: data.subarray(-TAG_BYTES) }, associatedData(keyId)),
    );
  }

  #payloadKey(keyId: string): KeyObject {
    const payloadKey = this.#keyring.keys.get(Number(keyId));
    if (payloadKey === undefined) throw new Error(`there is no payload key ${keyId}`);
    return payloadKey;
  }
}

/** Null: it is not encrypted. */
export function keyIdOf({ metadata }: Payload): string | null {
  if (textOf(metadata?.encoding) !== ENCODING) return null;
  return textOf(metadata?.['encryption-key-id']);
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}

function associatedData(keyId: string): Buffer {
  return Buffer.from(JSON.stringify(['tollgate-payload', keyId]), 'utf8');
}

/** The whole payload, its metadata too: they say of what kind it is. */
function packed({ metadata, data }: Payload): Buffer {
  const named = Object.entries(metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]);
  return Buffer.from(JSON.stringify([named, Buffer.from(data ?? []).toString('base64')]), 'utf8');
}

function unpacked(bytes: Buffer): Payload {
  const [named, data] = JSON.parse(bytes.toString('utf8')) as [[string, string][], string];
  return {
    metadata: Object.fromEntries(named.map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    data: Buffer.from(data, 'base64'),
  };
}
