// How patiently an activity is tried, by what it talks to. Whoever proxies activities takes one of these; a business refusal is a
// result and never a failure, so what fails here could only not be found out, and is tried until it is.
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import { BILLING_QUEUE } from './contracts/task-queues.ts';

const WHILE_POSTGRES_IS_AWAY = { initialInterval: '1 s', maximumInterval: '1 min' } as const;

/** A few statements in PostgreSQL. */
export const DB: ActivityOptions = { startToCloseTimeout: '10 s', retry: WHILE_POSTGRES_IS_AWAY };

/**
 * A few questions to Stripe, each of which it may take 20 s to answer. Its outage, however long, fails nobody: it is asked until it answers.
 * What it refuses outright is a defect of ours, which the activity says by a failure that is not tried again. A customer waits for it, so
 * a worker that died with it is noticed by its silence.
 */
export const PAY: ActivityOptions = {
  taskQueue: BILLING_QUEUE,
  startToCloseTimeout: '45 s',
  heartbeatTimeout: '15 s',
  retry: { initialInterval: '5 s', backoffCoefficient: 2, maximumInterval: '10 min' },
};

/**
 * The same as a part of the workflow's own task, which saves each round trip of an activity (D117). It waits for Stripe some seconds only, as a
 * task holds a place that commands need, and is tried once: what has not come by then is asked for as PAY.
 */
export const AT_ONCE: LocalActivityOptions = {
  startToCloseTimeout: '10 s',
  scheduleToCloseTimeout: '30 s',
  retry: { maximumAttempts: 1 },
};

/**
 * A few questions to a provider, or some small calls of our own. What it does not answer is an outcome in the row, so this is tried again only when
 * PostgreSQL is away, or a worker has died.
 */
export const PROVIDER: ActivityOptions = {
  startToCloseTimeout: '5 min',
  heartbeatTimeout: '15 s',
  retry: WHILE_POSTGRES_IS_AWAY,
};

/** Minutes of work that says every few seconds that it lives: a worker that died is noticed by its silence. */
export const LONG: ActivityOptions = {
  startToCloseTimeout: '6 h',
  heartbeatTimeout: '30 s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '5 s', maximumInterval: '5 min' },
};
