// What a sub-account of an enterprise pays when it has agreed on less than the whole: a part of list price of its own, for the time of the contract (D95).
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { lockedContract } from '../postpaid/contracts.ts';
import { type Project, project } from './projects.ts';

/**
 * From its next lease on; null: as the whole organization pays. The caller holds organization and project.
 * @throws TollgateError conflict where no contract is in force, invalid_body above its price
 */
export async function agreeOnPrice(
  tx: PoolClient,
  { id, orgId, name }: Project,
  priceOfListPpm: number | null,
): Promise<Project> {
  const agreed = await lockedContract(tx, orgId);
  if (priceOfListPpm !== null && priceOfListPpm > agreed.priceOfListPpm) {
    throw new TollgateError('invalid_body', {
      message: `Organization ${orgId} pays ${agreed.priceOfListPpm} millionths of list price, and no sub-account of it pays more: "${name}" can have that or less.`,
      param: 'priceOfListPpm',
    });
  }
  await tx.query('update projects set price_of_list_ppm = $2, version = version + 1 where id = $1', [
    id,
    priceOfListPpm,
  ]);
  return project(tx, id);
}
