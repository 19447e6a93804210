// For whom provisioning waits, and where it turns back instead. Its course among all other events is in onboarding.test.ts.
import { expect, test } from '@jest/globals';
import { attentionOf, beginProvisioning, provisioningStep, type StepDone } from '../../domain/provisioning.ts';

const OWED = { code: 'renewal_owed', detail: 's-1' } as const;
const MADE: readonly StepDone[] = [
  { step: 'settle' },
  { step: 'hold' },
  { step: 'contract', contractId: 'c-1', planVersionIdBefore: null },
  { step: 'budget', capsBefore: [] },
];

test('whoever must see to something is waited for while the keys work, and not after: then all is taken back', () => {
  const waiting = (done: readonly StepDone[]) =>
    provisioningStep(
      { ...beginProvisioning(1), done },
      {
        kind: 'step_waits',
        step: done.length === 0 ? 'settle' : 'activate',
        why: OWED,
        needsPerson: true,
      },
      0,
    );
  const [atFirst, atLast] = [waiting([]), waiting(MADE)];

  expect([atFirst.course, atFirst.why]).toEqual(['forward', OWED]);
  expect(attentionOf(atFirst)).toEqual({ kind: 'waits', step: 'settle', ...OWED });
  expect([atLast.course, atLast.gaveUp]).toEqual(['back', { step: 'activate', ...OWED }]);
});
