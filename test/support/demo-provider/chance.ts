// Everything that varies here varies by the attempt id, so that a run can be repeated and an oracle can ask "why this figure".

/** A whole number 0..2^32-1; the same text and salt always give the same one. */
export function draw(text: string, salt: string): number {
  let hash = 0x811c9dc5;
  for (const part of [salt, text]) {
    for (let at = 0; at < part.length; at++) hash = Math.imul(hash ^ part.charCodeAt(at), 0x01000193);
  }
  return scrambled(hash);
}

export function drawBetween(text: string, salt: string, lowest: number, highest: number): number {
  return lowest + (draw(text, salt) % (highest - lowest + 1));
}

export function drawShare(text: string, salt: string): number {
  return draw(text, salt) / 2 ** 32;
}

/** A sequence of numbers 0..2^32-1 that depends on its seed alone. */
export function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    return scrambled(state);
  };
}

// The finalizer of MurmurHash3: FNV alone leaves the low bits of similar attempt ids alike.
function scrambled(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
