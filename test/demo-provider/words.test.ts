// A token is a whole number of bytes here, so that a charge estimated from delivered bytes can be judged exactly.
import { expect, test } from '@jest/globals';
import { LONGEST_WORD_TOKENS, vocabulary, words } from '../support/demo-provider/words.ts';

const BYTES_PER_TOKEN = [3, 4];

test('every word is a whole number of tokens long, and each length up to the longest can be filled', () => {
  for (const bytesPerToken of BYTES_PER_TOKEN) {
    for (const plain of [false, true]) {
      const bySize = vocabulary(bytesPerToken, plain);
      for (let size = 1; size <= LONGEST_WORD_TOKENS; size++) {
        const lengths = (bySize[size] ?? []).map((word) => Buffer.byteLength(word));
        expect(lengths.length).toBeGreaterThan(0);
        expect(lengths.filter((length) => length % bytesPerToken !== 0 || length > size * bytesPerToken)).toEqual([]);
      }
    }
  }
});

test('any number of tokens is given exactly, in pieces of at most as many as asked', () => {
  for (const bytesPerToken of BYTES_PER_TOKEN) {
    for (let outputTokens = 0; outputTokens < 120; outputTokens++) {
      const choice = { seed: outputTokens * 7919, bytesPerToken, outputTokens, pieceTokensMax: 3, plain: false };
      const pieces = [...words(choice)];
      expect(Buffer.byteLength(pieces.map((piece) => piece.text).join(''))).toBe(outputTokens * bytesPerToken);
      for (const piece of pieces) expect(Buffer.byteLength(piece.text)).toBe(piece.outputTokens * bytesPerToken);
      expect(Math.max(0, ...pieces.map((piece) => piece.outputTokens))).toBeLessThanOrEqual(3);
    }
  }
});

test('plain words stand in a JSON string as they are', () => {
  for (const bytesPerToken of BYTES_PER_TOKEN) {
    const all = vocabulary(bytesPerToken, true)[LONGEST_WORD_TOKENS] ?? [];
    expect(all.filter((word) => JSON.stringify(word) !== `"${word}"`)).toEqual([]);
  }
});

test('text speaks in characters of two, three and four bytes, and in what looks like protocol', () => {
  for (const bytesPerToken of BYTES_PER_TOKEN) {
    const all = (vocabulary(bytesPerToken, false)[LONGEST_WORD_TOKENS] ?? []).join('');
    const sizes = new Set(Array.from(all, (character) => Buffer.byteLength(character)));
    expect([...sizes].sort()).toEqual([1, 2, 3, 4]);
    expect(all).toContain('"usage":');
    expect(all).toContain('[DONE]');
  }
});
