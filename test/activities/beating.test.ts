// An activity that waits for Stripe is taken for dead when it is silent: what it waits for may take longer than that.
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beating } from '../../activities/beating.ts';

test('while somebody else is waited for the activity says that it lives, and then answers as he did', async () => {
  const environment = new MockActivityEnvironment();
  const beat = once(environment, 'heartbeat');

  const answer = await environment.run(() => beating(() => beat.then(() => 'paid')));

  expect(answer).toBe('paid');
});
