// What we keep of a person, for himself: one JSON document, written as it is read, since the log of somebody who has been here for years is long.
// What he shares with others (an organization's keys, payments, requests) is theirs as well, and is read there.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { exportAudit } from '../audit/audit-log.ts';
import type { Queryable } from '../platform/postgres.ts';

const BATCH = 500;
const MOST_A_DAY = 10;
const DONE = 'person.data_exported';

/** To be asked before its audit entry is written: what is read here is a lot. @throws TollgateError too_many_attempts */
export async function requireFewExports(tx: PoolClient, personId: string): Promise<void> {
  const { rows } = await tx.query<{ made: number }>(
    `select count(*)::int as made from audit_log where actor = 'person:' || $1 and action = $2 and at > clock_timestamp() - interval '1 day'`,
    [personId, DONE],
  );
  if ((rows[0]?.made ?? 0) < MOST_A_DAY) return;
  throw new TollgateError('too_many_attempts', {
    message: 'Your data was downloaded ten times today. Try again tomorrow.',
    retryAfterMs: 3_600_000,
  });
}

export async function* dataOf(db: Queryable, personId: string): AsyncGenerator<string> {
  const { rows } = await db.query<{ about: Readonly<Record<string, unknown>>; email: string }>(ABOUT, [personId]);
  const [found] = rows;
  if (found === undefined) throw new Error(`there is no person ${personId}, who is signed in`);
  yield `${JSON.stringify(found.about).slice(0, -1)},"audit":`;
  yield* listOf(entriesBy(db, personId));
  yield ',"mails":';
  yield* listOf(mailsTo(db, personId, found.email));
  yield '}\n';
}

const ABOUT = `
  select p.email,
         json_build_object(
           'profile', json_build_object('id', p.id, 'email', p.email, 'emailVerifiedAt', p.email_verified_at, 'name', p.name, 'locale', p.locale,
                                        'timeZone', p.time_zone, 'createdAt', p.created_at),
           'memberships', (select coalesce(json_agg(json_build_object('orgId', m.org_id, 'orgName', o.name, 'role', m.role, 'status', m.status,
                                                                      'since', m.created_at) order by m.created_at), '[]')
                             from memberships m join organizations o on o.id = m.org_id where m.person_id = p.id),
           'staffRoles', array(select role from staff_roles where person_id = p.id order by role),
           'secondFactorSince', (select enrolled_at from auth.second_factors where person_id = p.id),
           'passkeys', (select coalesce(json_agg(json_build_object('name', k.name, 'createdAt', k.created_at, 'usedAt', k.used_at)
                                                 order by k.created_at), '[]')
                          from auth.passkeys k where k.person_id = p.id),
           'identities', (select coalesce(json_agg(json_build_object('orgName', o.name, 'issuer', i.issuer, 'subject', i.subject,
                                                                      'createdAt', i.created_at, 'usedAt', i.used_at) order by i.created_at), '[]')
                            from identities i join organizations o on o.id = i.org_id where i.person_id = p.id),
           'passwordChangedAt', (select changed_at from auth.accounts where person_id = p.id),
           'sessions', (select coalesce(json_agg(json_build_object('createdAt', s.created_at, 'seenAt', s.seen_at, 'expiresAt', s.expires_at,
                                                                   'clientAddress', s.client_address, 'userAgent', s.user_agent)
                                                 order by s.created_at), '[]')
                          from auth.sessions s where s.person_id = p.id),
           'mailChanges', (select coalesce(json_agg(json_build_object('askedAt', c.asked_at, 'to', c.email, 'changedAt', c.changed_at,
                                                                      'from', c.email_before) order by c.asked_at), '[]')
                             from auth.mail_changes c where c.person_id = p.id),
           'invitations', (select coalesce(json_agg(json_build_object('orgName', o.name, 'role', i.role, 'to', i.email, 'sentAt', i.created_at,
                                                                      'accepted', i.accepted_by = p.id) order by i.created_at), '[]')
                             from invitations i join organizations o on o.id = i.org_id
                            where i.email = p.email or i.accepted_by = p.id)) as about
    from persons p where p.id = $1`;

async function* listOf(batches: AsyncIterable<readonly object[]>): AsyncGenerator<string> {
  let before = '[';
  for await (const batch of batches) {
    yield before + batch.map((one) => JSON.stringify(one)).join(',\n');
    before = ',\n';
  }
  yield before === '[' ? '[]' : ']';
}

async function* entriesBy(db: Queryable, personId: string): AsyncGenerator<object[]> {
  for await (const batch of await exportAudit(db, { actor: `person:${personId}` })) {
    yield batch.map(({ at, action, targetKind, targetId, orgId, before, after, reason, clientAddress }) => ({
      ...{ at, action, targetKind, targetId, orgId },
      ...{ before, after, reason, clientAddress },
    }));
  }
}

/** Without what their links are made of. */
async function* mailsTo(db: Queryable, personId: string, email: string): AsyncGenerator<object[]> {
  for (let after: string | null = null; ; ) {
    const { rows }: { rows: { id: string; mail: object }[] } = await db.query<{ id: string; mail: object }>(
      `select id, json_build_object('kind', kind, 'to', recipient, 'language', locale, 'writtenAt', created_at, 'handedOverAt', handed_over_at) as mail
         from notifications
        where (recipient = $1 or facts ->> 'personId' = $2) and ($3::uuid is null or id > $3) order by id limit $4`,
      [email, personId, after, BATCH],
    );
    if (rows.length === 0) return;
    yield rows.map(({ mail }) => mail);
    after = rows.at(-1)?.id ?? null;
  }
}
