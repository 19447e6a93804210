// Stand-in until the package "notifications" is merged.
import type { PoolClient } from 'pg';
import type { Dunning } from '../../domain/dunning.ts';
import type { Notice } from '../../domain/overdue-policy.ts';
import type { Subscription, SubscriptionWrite } from '../../domain/subscription.ts';
import type { Written } from './plan-writes.ts';

export async function queuePlanMails(
  _tx: PoolClient,
  _about: Written,
  _before: Subscription,
  _event: object,
  _writes: readonly SubscriptionWrite[],
): Promise<void> {}

export async function queueDunningMail(
  _tx: PoolClient,
  _orgId: string,
  _state: Dunning,
  _notice: Notice,
): Promise<void> {}
