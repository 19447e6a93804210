// What somebody is told becomes true with the transaction that says it: the mail is a row of that transaction, and no mail server
// is asked in it. An event is told once, by its key, however often its transaction is repeated.
import type { PoolClient } from 'pg';
import type { Notice } from '../../domain/overdue-policy.ts';
import { newId } from '../platform/ids.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';
import { type FactsOf, type Locale, MAILS, type MailKind, type OwnMail, type PersonalMail } from './mails/kinds.ts';

export interface QueuedMail<K extends MailKind> {
  /** Null: it is about a person, wherever he belongs, or about what we run. */
  readonly orgId: K extends PersonalMail | OwnMail ? null : string;
  readonly kind: K;
  /** Of the event, made of its own ids: limit_warning:<invoice id>. */
  readonly key: string;
  readonly facts: FactsOf<K>;
  /** A dunning notice: until it is handed over the ladder waits. */
  readonly notice?: { readonly invoiceId: string; readonly notice: Notice };
}

/** The operator's address is the worker's to know (services/platform/worker-config.ts). */
export const STAFF = 'staff';

interface Recipient {
  readonly recipient: string | null;
  readonly locale: Locale;
}

const US: Recipient = { recipient: STAFF, locale: 'en' };

/** Kept so that the product can show it. A dunning notice that waits for somebody stays not handed over: nobody is limited unwarned. */
const NOBODY: Recipient = { recipient: null, locale: 'en' };

/**
 * Whoever calls holds the organization's row lock, or is the only one to know of the event. Asked again, as a step of a process does
 * until it is answered, what nobody could be handed is told anew: at once to whoever may be told by now, and to an address that a
 * mail server has refused not sooner than after a day.
 */
export async function queueMail<K extends MailKind>(
  tx: PoolClient,
  { orgId, kind, key: eventKey, facts, notice }: QueuedMail<K>,
): Promise<void> {
  const known = await recipientsOf(tx, orgId, kind, facts);
  const recipients = known.length === 0 ? [NOBODY] : known;
  await tx.query(
    `insert into notifications (id, event_key, org_id, kind, recipient, locale, facts, invoice_id, notice)
     select r.id, $1, $2, $3, r.recipient, r.locale, $7, $8, $9 from unnest($4::uuid[], $5::text[], $6::text[]) r (id, recipient, locale)
      where not exists (select from notifications t where t.event_key = $1 and t.recipient is not null and t.gave_up_at is null)
     on conflict (event_key, recipient) do update
       set facts = excluded.facts, locale = excluded.locale, queued_at = clock_timestamp(), due_at = clock_timestamp(), tries = 0,
           gave_up_at = null
       where notifications.recipient is null or notifications.gave_up_at < clock_timestamp() - interval '1 day'`,
    [
      eventKey,
      orgId,
      kind,
      recipients.map(newId),
      recipients.map(({ recipient }) => recipient),
      recipients.map(({ locale }) => locale),
      jsonbText(facts),
      notice?.invoiceId ?? null,
      notice?.notice ?? null,
    ],
  );
}

/** Which of these an organization was told last, or is about to be; null: none of them. */
export async function lastTold<K extends MailKind>(
  db: Queryable,
  orgId: string,
  kinds: readonly K[],
): Promise<{ readonly kind: K; readonly eventKey: string } | null> {
  const { rows } = await db.query<{ kind: K; eventKey: string }>(
    `select kind, event_key as "eventKey" from notifications where org_id = $1 and kind = any($2)
      order by created_at desc, id desc limit 1`,
    [orgId, kinds],
  );
  return rows[0] ?? null;
}

async function recipientsOf(
  tx: PoolClient,
  orgId: string | null,
  kind: MailKind,
  facts: FactsOf<MailKind>,
): Promise<readonly Recipient[]> {
  switch (MAILS[kind].to) {
    case 'staff':
      return [US];
    case 'duty':
      return 'duty' in facts ? onDuty(tx, facts.duty) : [];
    case 'owners':
      return orgId === null ? [] : owners(tx, orgId);
    case 'billing':
      return orgId === null ? [] : billingRecipients(tx, orgId);
    case 'address':
    case 'invited':
      return 'email' in facts ? [{ recipient: facts.email, locale: facts.locale }] : [];
    case 'person':
      return 'personId' in facts ? person(tx, facts.personId) : [];
    case 'holder':
    case 'holder_and_owners':
      return orgId === null || !('holderId' in facts) ? [] : holderOf(tx, orgId, facts.holderId, MAILS[kind].to);
  }
}

/** The address that the customer has named for it, else all who answer for its bills and whose address is known to be theirs. */
async function billingRecipients(db: Queryable, orgId: string): Promise<readonly Recipient[]> {
  const { rows } = await db.query<Recipient>(
    `with people as (
       select m.role, m.created_at, p.id, p.email, p.locale, p.email_verified_at
         from memberships m join persons p on p.id = m.person_id
        where m.org_id = $1 and m.status = 'active' and m.role in ('owner', 'billing')),
     named as (
       select billing_email,
              coalesce((select locale from people where role = 'owner' order by created_at, id limit 1), 'en') as locale
         from billing_details where org_id = $1 and billing_email is not null)
     select billing_email as recipient, locale from named
     union all
     select email, locale from people where email_verified_at is not null and not exists (select from named)`,
    [orgId],
  );
  return rows;
}

/** Whose address is known to be theirs. */
async function owners(db: Queryable, orgId: string): Promise<readonly Recipient[]> {
  const { rows } = await db.query<Recipient>(
    `select p.email as recipient, p.locale from memberships m join persons p on p.id = m.person_id
      where m.org_id = $1 and m.role = 'owner' and m.status = 'active' and p.email_verified_at is not null order by m.created_at, p.id`,
    [orgId],
  );
  return rows;
}

/** He is active, or the organization's owners stand for him. */
async function holderOf(
  db: Queryable,
  orgId: string,
  holderId: string | null,
  audience: 'holder' | 'holder_and_owners',
): Promise<readonly Recipient[]> {
  const { rows } = await db.query<Recipient>(
    `select p.email as recipient, p.locale from memberships m join persons p on p.id = m.person_id
      where m.org_id = $1 and m.person_id = $2 and m.status = 'active' and p.email_verified_at is not null`,
    [orgId, holderId],
  );
  if (rows.length > 0 && audience === 'holder') return rows;
  const known = new Set(rows.map(({ recipient }) => recipient));
  return [...rows, ...(await owners(db, orgId)).filter(({ recipient }) => !known.has(recipient))];
}

/** Where nobody is named for it, it is all of us. */
async function onDuty(db: Queryable, duty: 'business' | 'head'): Promise<readonly Recipient[]> {
  const { rows } = await db.query<Recipient>(
    'select email as recipient, locale from staff_addresses where duty = $1 order by email',
    [duty],
  );
  return rows.length === 0 ? [US] : rows;
}

async function person(db: Queryable, personId: string): Promise<readonly Recipient[]> {
  const { rows } = await db.query<Recipient>('select email as recipient, locale from persons where id = $1', [
    personId,
  ]);
  return rows;
}

export interface OutboxStanding {
  readonly waiting: number;
  readonly oldestSeconds: number;
  readonly givenUp: number;
  readonly withoutRecipient: number;
}

/** For metrics. What was given up, and whom nobody could write to, is told of for a week; not what a restore has given up (migrations/0030). */
export async function outboxStanding(db: Queryable): Promise<OutboxStanding> {
  const { rows } = await db.query<OutboxStanding>(
    `select count(*) filter (where gave_up_at is null and recipient is not null)::int as waiting,
            coalesce(extract(epoch from clock_timestamp() - min(queued_at) filter (where gave_up_at is null and recipient is not null)), 0)::float8
              as "oldestSeconds",
            count(*) filter (where gave_up_at > clock_timestamp() - interval '7 days' and error is distinct from 'before a restore')::int as "givenUp",
            count(distinct org_id) filter (where recipient is null and queued_at > clock_timestamp() - interval '7 days'
              and not exists (select from notifications t where t.event_key = n.event_key and t.recipient is not null))::int as "withoutRecipient"
       from notifications n where handed_over_at is null`,
  );
  return rows[0] ?? { waiting: 0, oldestSeconds: 0, givenUp: 0, withoutRecipient: 0 };
}

/** Of those that have somebody to go to: when the first was written; null: none waits. */
export async function mailsWaitSince(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ since: Date | null }>(
    `select least(min(created_at), billing_now()) as since from notifications
      where handed_over_at is null and gave_up_at is null and recipient is not null having count(*) > 0`,
  );
  return rows[0]?.since ?? null;
}
