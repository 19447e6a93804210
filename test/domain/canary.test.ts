// How a new key is judged beside the old one: by what providers did wrong, never by too little, and not for what the old one does as badly.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NO_ATTEMPTS, type Tally, verdictOn } from '../../domain/canary.ts';

const BASELINE: Tally = { attempts: 1_000, refused: 0, limited: 0, failed: 20 };

const of = (attempts: number, more: Partial<Tally> = {}): Tally => ({ ...NO_ATTEMPTS, attempts, ...more });

test('worse is twice the share of errors and five in a hundred, of failures and of 429 each for itself', () => {
  const judged = (fresh: Tally) => verdictOn({ fresh, old: of(1_000), baseline: BASELINE, enough: 100 });

  expect([judged(of(100, { failed: 9 })), judged(of(100, { failed: 10 }))]).toEqual(['good', 'worse']);
  expect([judged(of(100, { limited: 5 })), judged(of(100, { limited: 6 }))]).toEqual(['good', 'worse']);
});

test('ten bad ones need not wait for the hundredth', () => {
  const fresh = of(12, { failed: 10 });

  expect(verdictOn({ fresh, old: of(100), baseline: BASELINE, enough: 100 })).toBe('worse');
});

const tally = fc.record({
  attempts: fc.integer({ min: 0, max: 200 }),
  refused: fc.integer({ min: 0, max: 2 }),
  limited: fc.integer({ min: 0, max: 30 }),
  failed: fc.integer({ min: 0, max: 60 }),
});

test('too few are never good, nothing is worse than a key that was not asked, and one refusal is one', () => {
  fc.assert(
    fc.property(tally, tally, tally, (fresh, old, baseline) => {
      const judged = { fresh: { ...fresh, refused: 0 }, old, baseline, enough: 100 };
      const verdict = verdictOn(judged);
      if (fresh.attempts < 100) expect(verdict).not.toBe('good');
      if (verdict === 'worse' || verdict === 'shared') expect(old.attempts).toBeGreaterThanOrEqual(10);
      expect(verdictOn({ ...judged, fresh: { ...fresh, refused: 1 } })).toBe('refused');
    }),
  );
});
