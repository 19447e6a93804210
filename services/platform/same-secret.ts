// Compares a secret with one that somebody presents.
import { createHash, timingSafeEqual } from 'node:crypto';

/** Digests have one length, so the comparison takes one time and tells nothing of where the two differ. */
export function isSameSecret(presented: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(presented), digest(secret));
}
