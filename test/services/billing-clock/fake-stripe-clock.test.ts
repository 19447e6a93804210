// The clock of the fake Stripe as the mover of ours finds it.
import { expect, test } from '@jest/globals';
import { FakeStripeClock } from '../../../services/billing-clock/fake-stripe-clock.ts';
import { freePort } from '../../support/free-port.ts';

test('while the fake is away it says so, and is no defect of ours', async () => {
  const clock = new FakeStripeClock(`http://127.0.0.1:${await freePort()}`);

  const asked = clock.nextDueAt();

  await expect(asked).rejects.toMatchObject({ code: 'payment_provider_unavailable' });
});
