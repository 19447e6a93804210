// The first dollar of whoever signs up: once for each person, mailbox and card (D68), and to five in a month from one network, so that a program
// that signs up a thousand has five of them (R-BIZ-1). Whoever has none is as welcome, and buys (D106).
import { createHmac } from 'node:crypto';
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { nano } from '../../domain/nano.ts';
import { issueGrant } from '../grants/grants.ts';
import { siteOf } from './networks.ts';

const TRIAL_NANO = nano(1_000_000_000n); // 1 USD
const MOST_FROM_ONE_NETWORK = 5;
const WITHIN = '30 days';

export type TrialOutcome = 'given' | 'had_before' | 'too_many_from_network';

interface Newcomer {
  readonly orgId: string;
  readonly personId: string;
  readonly clientAddress: string;
}

export class Trials {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  async give(tx: PoolClient, { orgId, personId, clientAddress }: Newcomer): Promise<TrialOutcome> {
    await tx.query('savepoint without_trial');
    if (!(await this.#claimNetwork(tx, clientAddress))) return 'too_many_from_network';
    const actor = `person:${personId}`;
    try {
      await issueGrant(tx, { orgId, source: 'trial', amountNano: TRIAL_NANO, expiresAt: null, note: 'sign-up', actor });
      return 'given';
    } catch (error) {
      if (!(error instanceof TollgateError && error.code === 'conflict')) throw error;
      await tx.query('rollback to savepoint without_trial');
      return 'had_before';
    }
  }

  /** Of many at once from one network each waits for the one before, until that has its dollar or has none. */
  async #claimNetwork(tx: PoolClient, clientAddress: string): Promise<boolean> {
    const network = createHmac('sha256', this.#secret).update(siteOf(clientAddress)).digest();
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('trial ' || encode($1, 'hex'), 0))`, [network]);
    const { rowCount } = await tx.query(
      `with gone as (delete from auth.trial_networks where given_at < clock_timestamp() - $2::interval)
       insert into auth.trial_networks (network)
         select $1
          where (select count(*) from auth.trial_networks where network = $1 and given_at >= clock_timestamp() - $2::interval) < $3`,
      [network, WITHIN, MOST_FROM_ONE_NETWORK],
    );
    return rowCount === 1;
  }
}
