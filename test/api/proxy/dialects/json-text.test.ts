// The scanners that find members and count bytes without parsing, held against JSON.parse on random documents.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { valueEnd } from '../../../../api/proxy/dialects/json-cursor.ts';
import { membersOf } from '../../../../api/proxy/dialects/json-members.ts';
import { stringBytes } from '../../../../api/proxy/dialects/json-string-bytes.ts';

const document = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }));
const indent = fc.constantFrom(undefined, 1, '\t');

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe('the members of an object', () => {
  test('lie where JSON.parse finds them', () => {
    fc.assert(
      fc.property(document, indent, (value, gap) => {
        const text = latin1(JSON.stringify(value, null, gap));
        const plain = Object.keys(value).filter((name) => /^[a-z_0-9]+$/.test(name));
        const { spans, repeated, disguised } = membersOf(text, plain);

        expect({ repeated, disguised }).toEqual({ repeated: null, disguised: null });
        expect([...spans.keys()].sort()).toEqual([...plain].sort());
        for (const [name, { start, end }] of spans) {
          const part = Buffer.from(text.slice(start, end), 'latin1').toString();
          expect(JSON.parse(part)).toEqual(JSON.parse(JSON.stringify(value[name])));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('lie where they are around arrays that look like numbers and are not', () => {
    for (const array of [
      '[1,"]"]',
      '[1,[2],{"a":"]"}]',
      '[1,2,3]',
      '[ -1 ,"[" ]',
      '[1,{}]',
      '[[1,2],[3,"]]"]]',
      '[1,null,"\\"]"]',
    ]) {
      const text = `{"a":${array},"model":"m","b":[1,2]}`;
      const span = membersOf(text, ['model']).spans.get('model');
      expect(text.slice(span?.start, span?.end)).toBe('"m"');
    }
  });

  test('are looked for in half an object without throwing or hanging, and none reaches beyond it', () => {
    fc.assert(
      fc.property(document, fc.nat(), fc.constantFrom('', '"', '{', '[', ']', '}', '\\'), (value, cut, junk) => {
        const whole = latin1(JSON.stringify({ ...value, a: 1, b: [] }));
        const text = whole.slice(0, cut % whole.length) + junk;
        for (const { start, end } of membersOf(text, ['a', 'b']).spans.values()) {
          expect(start).toBeGreaterThan(0);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThanOrEqual(text.length);
        }
      }),
    );
  });

  test.each([
    ['quotes', '"'.repeat(200_000), false],
    ['nesting', '{"a":'.repeat(50_000), true],
    ['arrays that begin as numbers', `{"a":${'[1'.repeat(60)}${',[1]'.repeat(50_000)}`, false],
    ['backslashes', `{"a":"${'\\'.repeat(400_000)}`, false],
  ])('cost no more than a glance in hostile text of %s', (_what, text, isTooDeep) => {
    expect(membersOf(text, ['a']).isTooDeep).toBe(isTooDeep);
  });
});

test('a value ends where it ends, in the middle of a longer text', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), indent, (value, gap) => {
      const text = latin1(JSON.stringify(value, null, gap));
      expect(valueEnd(`${text},"next"`, 0, text.length)).toBe(text.length);
      expect(valueEnd(`${text} }]`, 0, text.length + 3)).toBe(text.length);
    }),
  );
});

describe('the UTF-8 length of a JSON string', () => {
  test.each([
    ['', 0],
    ['\\n\\"\\\\\\/', 4],
    ['\\u0041\\u00e9\\u8239', 1 + 2 + 3],
    ['\\ud83d\\ude80', 4],
    ['\\uD83D\\uDE80', 4],
    ['\\ud83d', 3],
    ['\\ude80\\ud83d', 6],
    ['\\ud83d\\u0041', 4],
    ['\\\\u0041', 6],
    [`${'a'.repeat(40)}\\n${'b'.repeat(40)}`, 81],
  ])('of "%s" is %i', (inner, bytes) => {
    expect(stringBytes(`"${inner}"`, 0, inner.length + 2)).toBe(bytes);
  });

  test('is that of the decoded text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (text) => {
        const quoted = latin1(JSON.stringify(text));
        expect(stringBytes(quoted, 0, quoted.length)).toBe(Buffer.byteLength(text));
      }),
      { numRuns: 500 },
    );
  });
});
