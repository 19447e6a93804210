// The codes of authenticator apps, by the test vectors of RFC 6238 and RFC 4648.
import { expect, test } from '@jest/globals';
import { base32, codeAt, stepOf, totpUri } from '../../../services/accounts/totp.ts';

const SEED = Buffer.from('12345678901234567890');

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('at second %i the code of the RFC is %s', (second, code) => {
  expect(codeAt(SEED, Math.floor(second / 30))).toBe(code);
});

test('a code is good from half a minute before its time to half a minute after it, and says of which step it is', () => {
  const code = codeAt(SEED, 1_000);
  const steps = [998, 999, 1_000, 1_001, 1_002].map((step) => stepOf(SEED, code, step * 30_000 + 15_000));

  expect(steps).toEqual([null, 1_000, 1_000, 1_000, null]);
  expect(stepOf(SEED, '12345', 1_000 * 30_000)).toBeNull();
});

test('an app reads the seed as base32 from an address that names us and the account', () => {
  expect(base32(Buffer.from('foobarfoobar123'))).toBe('MZXW6YTBOJTG633CMFZDCMRT');
  expect(totpUri(SEED, 'ada+1@example.com')).toBe(
    'otpauth://totp/Tollgate:ada%2B1%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Tollgate',
  );
});
