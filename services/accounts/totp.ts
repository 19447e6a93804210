// The codes of an authenticator app: RFC 6238 as all apps know it, with HMAC-SHA-1, six digits, and a step of 30 seconds. It is a dozen lines over
// Node's HMAC, so no library stands between (D87).
import { createHmac } from 'node:crypto';
import { isSameSecret } from '../platform/same-secret.ts';

const STEP_MS = 30_000;
/** One step early or late: a clock that is off by half a minute (R-LOG-2). */
const TOLERATED = [0, -1, 1];
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export const SEED_BYTES = 20;

export function codeAt(seed: Buffer, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', seed).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0x0f;
  return String((mac.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).padStart(6, '0');
}

/** Of which step a code is; null: of none that is now. */
export function stepOf(seed: Buffer, code: string, nowMs: number): number | null {
  const now = Math.floor(nowMs / STEP_MS);
  return TOLERATED.map((off) => now + off).find((step) => isSameSecret(code, codeAt(seed, step))) ?? null;
}

/** As a QR code shows it to the app. */
export function totpUri(seed: Buffer, email: string): string {
  return `otpauth://totp/Tollgate:${encodeURIComponent(email)}?secret=${base32(seed)}&issuer=Tollgate`;
}

/** RFC 4648, of a multiple of five bytes. */
export function base32(bytes: Buffer): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)]).join('');
}
