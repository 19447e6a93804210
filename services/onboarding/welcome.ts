// The link behind which a new enterprise makes its first API key: for its owners, once, for seven days of real time, until another takes its
// place. It is made after all else, and what fails of it undoes nothing.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { createApiKey } from '../api-keys/api-keys.ts';
import { type Author, type WrittenAudit, writeAudit } from '../audit/audit.ts';
import { queueMail } from '../notifications/outbox.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { SignedIds } from '../platform/signed-ids.ts';
import { type Application, application, approvedTerms, lockedApplication } from './application-rows.ts';
import { target } from './applications.ts';

const VALID_FOR = '7 days';
const FIRST_KEY = 'first key';

export class WelcomeLinks {
  /** Where the API is called and the console stands. */
  readonly publicUrl: string;
  readonly #ids: SignedIds;

  constructor(publicUrl: string, secret: string) {
    this.publicUrl = publicUrl;
    this.#ids = new SignedIds('welcome', secret);
  }

  /** Handed on by itself to whoever writes the mail. */
  readonly urlOf = (welcomeId: string): string => `${this.publicUrl}/welcome/${this.#ids.linkTokenOf(welcomeId)}`;

  /** Null: we have never made it. */
  welcomeOf(linkToken: string): string | null {
    return this.#ids.idOf(linkToken);
  }
}

/** Takes the place of any link before. The caller holds the application. */
export async function sendWelcome(tx: PoolClient, about: Application): Promise<{ readonly validUntil: Date }> {
  const { id, orgId, form } = about;
  const welcomeId = newId();
  const { rows } = await tx.query<{ validUntil: Date }>(
    `insert into welcome_links (application_id, id, valid_until) values ($1, $2, clock_timestamp() + $3::interval)
     on conflict (application_id) do update set id = excluded.id, valid_until = excluded.valid_until
     returning valid_until as "validUntil"`,
    [id, welcomeId, VALID_FOR],
  );
  const [made] = rows;
  if (made === undefined) throw new Error('an upsert returned no row');
  await queueMail(tx, {
    orgId,
    kind: 'enterprise_welcome',
    key: `enterprise_welcome:${welcomeId}`,
    facts: {
      ...{ applicationId: id, company: form.company ?? '', welcomeId, validUntil: made.validUntil.toISOString() },
      agreed: approvedTerms(about),
    },
  });
  return made;
}

/** @throws TollgateError not_found; conflict for who is no enterprise yet, and for a link that was used */
export async function sendWelcomeAgain(
  tx: PoolClient,
  applicationId: string,
  author: Author,
): Promise<{ readonly validUntil: Date; readonly audit: WrittenAudit }> {
  const about = await lockedApplication(tx, applicationId);
  const state = await welcomeStateOf(tx, applicationId);
  if (state === null) {
    throw new TollgateError('conflict', { message: `Nobody of application ${applicationId} was welcomed yet.` });
  }
  if (state === 'used') {
    throw new TollgateError('conflict', {
      message: `The first API key of application ${applicationId} is made: make others with POST /api/v1/api-keys.`,
    });
  }
  const sent = await sendWelcome(tx, about);
  const audit = await writeAudit(tx, author, {
    action: 'application.welcome_sent',
    ...target(applicationId),
    after: sent,
  });
  return { ...sent, audit };
}

export type WelcomeState = 'open' | 'used' | 'over';

const STATE = `case when used_at is not null then 'used' when valid_until <= clock_timestamp() then 'over' else 'open' end as state`;

/** Null: there is no link. */
export async function welcomeStateOf(db: Queryable, applicationId: string): Promise<WelcomeState | null> {
  const { rows } = await db.query<{ state: WelcomeState }>(
    `select ${STATE} from welcome_links where application_id = $1`,
    [applicationId],
  );
  return rows[0]?.state ?? null;
}

/** Null: another one has taken its place. */
export async function welcomeState(db: Queryable, welcomeId: string): Promise<WelcomeState | null> {
  const { rows } = await db.query<{ state: WelcomeState }>(`select ${STATE} from welcome_links where id = $1`, [
    welcomeId,
  ]);
  return rows[0]?.state ?? null;
}

/** The credential of the organization's first API key, told once; null: the link does not work any more, or has worked before. */
export async function useWelcome(tx: PoolClient, welcomeId: string, author: Author): Promise<string | null> {
  const { rows } = await tx.query<{ applicationId: string }>(
    `update welcome_links set used_at = clock_timestamp()
      where id = $1 and used_at is null and valid_until > clock_timestamp() returning application_id as "applicationId"`,
    [welcomeId],
  );
  const [used] = rows;
  if (used === undefined) return null;
  const { orgId, state } = await application(tx, used.applicationId);
  const allowedAddresses = state.approved?.terms.allowedAddresses ?? [];
  const { apiKey, credential } = await createApiKey(tx, {
    ...{ orgId, projectId: undefined, memberId: null, name: FIRST_KEY, caps: [], allowedModels: null, expiresAt: null },
    ...{ requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: null },
    allowedAddresses: allowedAddresses.length === 0 ? null : allowedAddresses,
  });
  const audit = { action: 'api_key.created', targetKind: 'api_key', targetId: apiKey.id } as const;
  await writeAudit(tx, author, { ...audit, after: { ...apiKey, applicationId: used.applicationId } });
  return credential;
}
