// The pages know no code of the API, so what they offer is compared with what it takes here.
import { expect, test } from '@jest/globals';
import { COUNTRY_CODES, countriesIn } from '../../console/src/countries.ts';
import { isCountry } from '../../domain/countries.ts';

test('every country that is offered is taken, each once, and has a name in both languages', () => {
  expect(COUNTRY_CODES.filter((code) => !isCountry(code))).toEqual([]);
  expect(new Set(COUNTRY_CODES).size).toBe(249);
  for (const tag of ['en', 'zh-CN']) {
    expect(countriesIn(tag).filter(({ value, label }) => value === label)).toEqual([]);
  }
});
