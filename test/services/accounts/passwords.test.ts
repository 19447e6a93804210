// How passwords are kept, and what happens when many want theirs hashed at once.
import { expect, test } from '@jest/globals';
import { HashingTurns, hashOf, isPasswordOf } from '../../../services/accounts/passwords.ts';

test('a password is kept as argon2id of at least 19 MiB and two passes, salted, and found right and wrong by it', async () => {
  const [first, second] = [await hashOf('correct horse'), await hashOf('correct horse')];

  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(first).not.toBe(second);
  expect([await isPasswordOf(first, 'correct horse'), await isPasswordOf(first, 'correct horsf')]).toEqual([
    true,
    false,
  ]);
});

test('what was hashed with other parameters is judged by those, and no other kind of hash by any', async () => {
  // The test vector of the reference implementation: argon2 "password", salt "somesalt", 2 passes, 64 MiB.
  const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

  expect(await isPasswordOf(known, 'password')).toBe(true);
  await expect(isPasswordOf('$2b$10$abcdefghijklmnopqrstuv', 'password')).rejects.toThrow('no argon2id');
});

test('two are hashed at a time, thirty more wait in their order, and whoever comes then is asked to come again', async () => {
  const turns = new HashingTurns();
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const come = (who: number) =>
    turns.inTurn(() => {
      begun.push(who);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  const everybody = Array.from({ length: 32 }, (_, who) => come(who));

  await expect(come(32)).rejects.toMatchObject({ code: 'service_unavailable', details: { retryAfterMs: 1_000 } });
  const atOnce: number[] = [];
  for (let ended = 0; ended < everybody.length; ended += 1) {
    atOnce.push(begun.length - ended);
    ends[ended]?.();
    await everybody[ended];
  }

  expect(begun).toEqual(everybody.map((_, who) => who));
  expect(Math.max(...atOnce)).toBe(2);
});

test('a turn that fails is given back like any other', async () => {
  const turns = new HashingTurns();
  const failing = Array.from({ length: 5 }, () => turns.inTurn(() => Promise.reject(new Error('no memory'))));

  await expect(Promise.allSettled(failing)).resolves.toHaveLength(5);
  await expect(turns.inTurn(async () => 'hashed')).resolves.toBe('hashed');
});
