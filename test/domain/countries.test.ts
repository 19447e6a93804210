// An address has a country that exists: what is not assigned in ISO 3166-1 is a typing error.
import { expect, test } from '@jest/globals';
import { isCountry } from '../../domain/countries.ts';

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const CODES = LETTERS.flatMap((first) => LETTERS.map((second) => first + second));

test('of all codes the 249 that are assigned are countries, and each has a name', () => {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

  const countries = CODES.filter(isCountry);

  expect(countries).toHaveLength(249);
  expect(countries.filter((code) => names.of(code) === undefined)).toEqual([]);
});

test.each(['UK', 'EU', 'XX', 'ZZ', 'SU', 'de', 'DEU', ''])('%p is no country', (code) => {
  expect(isCountry(code)).toBe(false);
});
