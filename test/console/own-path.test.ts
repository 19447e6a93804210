// Whoever signs in goes on to a page of ours, whatever the link said that brought him.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ownPath } from '../../console/src/own-path.ts';

const HERE = 'https://tollgate.example';

test('a page of ours is gone on to, with all that its address says', () => {
  expect(ownPath('/o/0193f000/keys?sort=name#last')).toBe('/o/0193f000/keys?sort=name#last');
});

test('an address that leads elsewhere leads to the first page', () => {
  const elsewhere = [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    '/\n/evil.example/',
    '/..//evil.example/',
    '/./\\evil.example',
    'javascript:alert(1)',
    ' //evil.example',
    'evil.example',
    '',
    null,
    undefined,
    ['/keys'],
  ];
  for (const next of elsewhere) expect([next, ownPath(next)]).toEqual([next, '/']);
});

test('whatever is asked for, a browser stays where it is', () => {
  const tricky = fc.string({ unit: fc.constantFrom('/', '\\', '.', '@', ':', '\t', '\n', '#', '?', 'a', '%2f', ' ') });
  fc.assert(
    fc.property(tricky, (text) => {
      expect(new URL(ownPath(`/${text}`), HERE).origin).toBe(HERE);
    }),
    { numRuns: 2_000 },
  );
});
