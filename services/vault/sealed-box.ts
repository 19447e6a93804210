// AES-256-GCM, as everything here is encrypted: a random nonce of 96 bits, a tag of 128, and what the ciphertext is bound to.
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

export interface SealedBox {
  readonly bytes: Buffer;
  readonly nonce: Buffer;
  readonly tag: Buffer;
}

/** A random nonce allows 2^32 sealings under one key. */
export function encrypt(sealingKey: KeyObject | Buffer, plain: Buffer, associated: Buffer): SealedBox {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, sealingKey, nonce, { authTagLength: TAG_BYTES }).setAAD(associated);
  const bytes = cipher.update(plain);
  cipher.final(); // empty, as of every stream cipher
  return { bytes, nonce, tag: cipher.getAuthTag() };
}

/** @throws Error when it was sealed under another key, bound to something else, or changed since */
export function decrypt(sealingKey: KeyObject | Buffer, { bytes, nonce, tag }: SealedBox, associated: Buffer): Buffer {
  if (nonce.length !== NONCE_BYTES) throw new Error('its nonce has a wrong length');
  const decipher = createDecipheriv(CIPHER, sealingKey, nonce, { authTagLength: TAG_BYTES }).setAAD(associated);
  decipher.setAuthTag(tag);
  const plain = decipher.update(bytes);
  decipher.final(); // empty: it is asked for its judgement
  return plain;
}
