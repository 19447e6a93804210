// Somebody's provider says that he is who has an account here. Whether that is so, he says himself: by a link to the address that the account has, good for
// ten minutes and once. It connects the two and signs nobody in. The row holds nothing by which anybody could make the link (D70).
import type { PoolClient } from 'pg';
import { deadLink } from '../accounts/dead-links.ts';
import { queueMail } from '../notifications/outbox.ts';
import { newId } from '../platform/ids.ts';
import type { SignedIds } from '../platform/signed-ids.ts';
import type { Subject } from './identities.ts';

const VALID_FOR = '10 minutes';
/** To one person in an hour. */
const MOST_MAILS = 5;

/** Beyond the most that he is mailed nothing is. */
export async function mailIdentityLink(
  tx: PoolClient,
  personId: string,
  orgName: string,
  { orgId, issuer, subject }: Subject,
): Promise<void> {
  const { rows } = await tx.query<{ id: string; validUntil: Date }>(
    `with gone as (delete from auth.identity_links where valid_until < clock_timestamp() - interval '1 day')
     insert into auth.identity_links (id, person_id, org_id, issuer, subject, valid_until)
       select $1, $2, $3, $4, $5, clock_timestamp() + $6::interval
        where (select count(*) from auth.identity_links where person_id = $2 and created_at > clock_timestamp() - interval '1 hour') < $7
     returning id, valid_until as "validUntil"`,
    [newId(), personId, orgId, issuer, subject, VALID_FOR, MOST_MAILS],
  );
  const [made] = rows;
  if (made === undefined) return;
  const facts = { personId, linkId: made.id, orgName, validUntil: made.validUntil.toISOString() };
  await queueMail(tx, { orgId: null, kind: 'identity_link', key: `identity_link:${made.id}`, facts });
}

export interface FollowedLink extends Subject {
  readonly personId: string;
}

/** @throws TollgateError link_unknown, link_used, link_expired */
export async function takeIdentityLink(tx: PoolClient, links: SignedIds, linkToken: string): Promise<FollowedLink> {
  const id = links.idOf(linkToken);
  const { rows } = await tx.query<FollowedLink>(
    `update auth.identity_links set used_at = clock_timestamp()
      where id = $1 and used_at is null and valid_until > clock_timestamp()
     returning person_id as "personId", org_id as "orgId", issuer, subject`,
    [id],
  );
  if (rows[0] !== undefined) return rows[0];
  const { rows: known } = await tx.query<{ isUsed: boolean }>(
    'select used_at is not null as "isUsed" from auth.identity_links where id = $1',
    [id],
  );
  const why = id === null ? 'unknown' : known[0]?.isUsed ? 'used' : 'expired';
  throw deadLink(why, 'Sign in by single sign-on again.');
}
