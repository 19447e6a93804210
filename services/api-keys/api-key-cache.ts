// Who a digest is, answered in memory. An entry lives until it is forgotten because something it was made of has changed.
// Silence of the database is never an answer: who is known stays known for five minutes, who is not gets 503, never 401.
import type { Pool } from 'pg';
import { type PayUrlOf, requestsPerMinuteAt } from '../../domain/enforcement.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { Stage } from '../../domain/overdue-policy.ts';
import type { RateScope } from '../limits/rate-limiter.ts';
import { CALLER_PATIENCE_MS, within } from '../platform/postgres.ts';
import { type AddressList, KnownAddressLists } from './address-list.ts';

export interface ApiKeyEntry {
  readonly id: string;
  readonly orgId: string;
  readonly projectId: string;
  readonly memberId: string | null;
  readonly name: string;
  readonly prefix: string;
  readonly lastFour: string;
  readonly allowedModels: ReadonlySet<string> | null;
  /** Of it and of what it belongs to, each of which has to have the caller's address (D88); null: it may be used from everywhere. */
  readonly addressLists: readonly OwnAddressList[] | null;
  readonly expiresAtMs: number | null;
  /** Whether it was switched off itself, or frozen since it was found elsewhere, or is out of use with its member; null: it may be used. */
  readonly disabled: 'key' | 'leak' | 'member' | null;
  /** The credential was replaced by another one and works until then (D130); null: it is the key's own. What has ended stays so when a clock is set back. */
  readonly replaced: { readonly rotationId: string; readonly untilMs: number; readonly hasEnded: boolean } | null;
  readonly enforcement: 'active' | 'stopped' | 'provisioning';
  /** Which models the organization's plan includes, and in millionths of list price what requests of this key cost beyond included credit. */
  readonly planModels: 'basic' | 'all';
  readonly beyondIncludedPpm: number;
  /** Of the organization: how often its stage has changed. */
  readonly enforcementSeq: number;
  /** Null: it owes nothing that restricts it. */
  readonly restriction: Restriction | null;
  /** The key, if it has rates of its own, and the organization by its tier; as its stage leaves them. */
  readonly rateScopes: readonly RateScope[];
}

/** In the order in which they are looked at. */
const OWNERS = ['key', 'project', 'organization'] as const;

export interface OwnAddressList {
  readonly owner: (typeof OWNERS)[number];
  readonly addresses: AddressList;
}

/** What follows from an organization's debts. */
export interface Restriction {
  readonly stage: Exclude<Stage, 'none'>;
  readonly payLink: string | null;
}

/** Between two reconnections of the change feed nothing is missed, so one time of confirmation holds for all slots. */
interface Watch {
  confirmedAtMs: number;
}

interface Slot {
  readonly entry: ApiKeyEntry;
  readonly rateTier: string;
  readonly loadedAtMs: number;
  readonly watch: Watch;
}

const GENERATION_SIZE = 50_000;
const LONGEST_UNCONFIRMED_MS = 300_000;
const UNKNOWN_FOR_MS = 5_000;
const MOST_UNKNOWN = 10_000;
const MOST_ENFORCEMENTS = 50_000;

export class ApiKeyCache {
  readonly #db: Pool;
  readonly #clock: () => number;
  readonly #payUrlOf: PayUrlOf;
  // Two generations make an LRU without a list: what is asked for moves to the young one, the rest goes with the old one.
  #young = new Map<string, Slot>();
  #old = new Map<string, Slot>();
  readonly #unknownUntilMs = new Map<string, number>();
  readonly #loading = new Map<string, Promise<ApiKeyEntry | 'unknown'>>();
  /** The newest that was read of each organization whose stage has ever changed. */
  readonly #enforcements = new Map<string, EnforcementRow>();
  readonly #addressLists = new KnownAddressLists();
  #watch: Watch = { confirmedAtMs: Number.NEGATIVE_INFINITY };
  #forgotten = 0;

  /** `clock`: monotonic milliseconds. */
  constructor(db: Pool, clock: () => number, payUrlOf: PayUrlOf) {
    this.#db = db;
    this.#clock = clock;
    this.#payUrlOf = payUrlOf;
  }

  /** undefined: it must be loaded. */
  cached(digest: string): ApiKeyEntry | 'unknown' | undefined {
    const slot = this.#young.get(digest) ?? this.#promoted(digest);
    if (slot !== undefined) return slot.watch === this.#watch && this.#isConfirmed(slot) ? slot.entry : undefined;
    const untilMs = this.#unknownUntilMs.get(digest);
    return untilMs !== undefined && this.#clock() < untilMs ? 'unknown' : undefined;
  }

  /** @throws TollgateError service_unavailable when PostgreSQL does not answer */
  load(digest: string): Promise<ApiKeyEntry | 'unknown'> {
    const running = this.#loading.get(digest);
    if (running !== undefined) return running;
    const asked = this.#load(digest);
    const answer = within(CALLER_PATIENCE_MS, asked).catch((error: unknown) => this.#despite(error, digest));
    this.#loading.set(digest, answer);
    const over = () => {
      if (this.#loading.get(digest) === answer) this.#loading.delete(digest);
    };
    asked.then(over, over);
    return answer;
  }

  /** A kind of config_changes; those that no entry is made of change nothing here. */
  forget(kind: string, id: string): void {
    if (kind === 'api_key') this.#drop(({ entry }) => entry.id === id);
    else if (kind === 'organization') this.#drop(({ entry }) => entry.orgId === id);
    else if (kind === 'project') this.#drop(({ entry }) => entry.projectId === id);
    else if (kind === 'member') this.#drop(({ entry }) => entry.memberId === id);
    else if (kind === 'routing') this.#drop(({ rateTier }) => rateTier === id);
    // It may be the very key that was unknown a moment ago.
    if (kind === 'api_key') this.#unknownUntilMs.clear();
  }

  /** Every change until now has been told to `forget`. */
  confirm(): void {
    this.#watch.confirmedAtMs = this.#clock();
  }

  /** Changes may have been missed: each entry is asked for once more before it is used again. */
  suspectAll(): void {
    this.#watch = { confirmedAtMs: Number.NEGATIVE_INFINITY };
    this.#unknownUntilMs.clear();
    this.#loading.clear();
  }

  async #load(digest: string): Promise<ApiKeyEntry | 'unknown'> {
    const watch = this.#watch;
    const forgotten = this.#forgotten;
    const loadedAtMs = this.#clock();
    const row = await apiKeyByDigest(this.#db, digest);
    // What was read before a change may be the state before it: good for this request, not for later ones.
    const isLasting = forgotten === this.#forgotten;
    if (row === null) {
      this.#young.delete(digest);
      if (isLasting) this.#rememberUnknown(digest);
      return 'unknown';
    }
    const entry = entryOf({ ...row, ...this.#newestEnforcement(row) }, this.#payUrlOf, this.#addressLists);
    if (isLasting) this.#remember(digest, { entry, rateTier: row.rateTier, loadedAtMs, watch });
    return entry;
  }

  /** An answer that was long under way, or of a standby that lags, does not undo what another key of the organization brought. */
  #newestEnforcement({ orgId, enforcementSeq, overdueStage, payInvoiceId }: Row): EnforcementRow {
    const known = this.#enforcements.get(orgId);
    if (known !== undefined && known.enforcementSeq > enforcementSeq) return known;
    const read = { enforcementSeq, overdueStage, payInvoiceId };
    if (enforcementSeq > 0) {
      // Forgetting costs nothing: an answer that old has long timed out.
      if (known === undefined && this.#enforcements.size >= MOST_ENFORCEMENTS) this.#enforcements.clear();
      this.#enforcements.set(orgId, read);
    }
    return read;
  }

  #despite(error: unknown, digest: string): ApiKeyEntry {
    const slot = this.#young.get(digest);
    if (slot !== undefined && this.#isConfirmed(slot)) return slot.entry;
    throw new TollgateError('service_unavailable', {
      message: 'The API key could not be looked up because the database does not answer. It may be valid: try again.',
      retryAfterMs: 1_000,
      cause: error,
    });
  }

  #isConfirmed({ loadedAtMs, watch }: Slot): boolean {
    return this.#clock() - Math.max(loadedAtMs, watch.confirmedAtMs) <= LONGEST_UNCONFIRMED_MS;
  }

  #promoted(digest: string): Slot | undefined {
    const slot = this.#old.get(digest);
    if (slot !== undefined) this.#remember(digest, slot);
    return slot;
  }

  #remember(digest: string, slot: Slot): void {
    if (this.#young.size >= GENERATION_SIZE) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#old.delete(digest);
    this.#young.set(digest, slot);
  }

  #rememberUnknown(digest: string): void {
    if (this.#unknownUntilMs.size >= MOST_UNKNOWN) this.#unknownUntilMs.clear();
    this.#unknownUntilMs.set(digest, this.#clock() + UNKNOWN_FOR_MS);
  }

  #drop(isStale: (slot: Slot) => boolean): void {
    this.#forgotten += 1;
    this.#loading.clear();
    for (const generation of [this.#young, this.#old]) {
      for (const [digest, slot] of generation) if (isStale(slot)) generation.delete(digest);
    }
  }
}

interface EnforcementRow {
  readonly enforcementSeq: number;
  readonly overdueStage: Stage;
  readonly payInvoiceId: string | null;
}

interface Row
  extends Omit<ApiKeyEntry, 'allowedModels' | 'addressLists' | 'restriction' | 'rateScopes'>,
    EnforcementRow {
  readonly allowedModels: readonly string[] | null;
  readonly addresses: { readonly [O in OwnAddressList['owner']]: readonly string[] | null };
  readonly rateTier: string;
  readonly keyRates: Rates;
  readonly orgRates: Rates;
}

type Rates = Omit<RateScope, 'id'>;

async function apiKeyByDigest(db: Pool, digest: string): Promise<Row | null> {
  const { rows } = await db.query<Row>(
    `select k.id, k.org_id as "orgId", k.project_id as "projectId", k.member_id as "memberId", k.name, c.prefix,
            c.last_four as "lastFour", k.allowed_models as "allowedModels",
            case when c.rotation_id is not null then json_build_object('rotationId', c.rotation_id,
              'untilMs', floor(extract(epoch from c.until) * 1000), 'hasEnded', c.has_ended) end as replaced,
            json_build_object('key', k.allowed_addresses::text[], 'project', p.allowed_addresses::text[],
                              'organization', o.allowed_addresses::text[]) as addresses,
            floor(extract(epoch from k.expires_at) * 1000)::float8 as "expiresAtMs",
            case when k.disabled_at is not null then 'key' when k.frozen_at is not null then 'leak' when m.status <> 'active' then 'member' end as disabled,
            case when o.provisioning then 'provisioning' else o.enforcement end as enforcement, coalesce(v.models, 'all') as "planModels", coalesce(rate_beyond_included(o.plan_version_id, k.project_id), 1000000) as "beyondIncludedPpm",
            o.enforcement_seq::float8 as "enforcementSeq", o.overdue_stage as "overdueStage", o.pay_invoice_id as "payInvoiceId",
            o.rate_tier as "rateTier",
            json_build_object('requestsPerMinute', k.requests_per_minute, 'tokensPerMinute', k.tokens_per_minute,
                              'concurrentRequests', k.concurrent_requests) as "keyRates",
            json_build_object('requestsPerMinute', coalesce(o.requests_per_minute, t.requests_per_minute),
                              'tokensPerMinute', coalesce(o.tokens_per_minute, t.tokens_per_minute),
                              'concurrentRequests', coalesce(o.concurrent_requests, t.concurrent_requests)) as "orgRates"
       from (select id, prefix, last_four, null::uuid as rotation_id, null::timestamptz as until, null::boolean as has_ended from api_keys where digest = decode($1, 'hex')
             union all
             select api_key_id, prefix, last_four, id, least(ends_at, ended_at), ended_at is not null from api_key_rotations where digest = decode($1, 'hex')) c
       join api_keys k on k.id = c.id
       join projects p on p.id = k.project_id
       join organizations o on o.id = k.org_id
       join rate_tiers t on t.id = o.rate_tier
       left join plan_versions v on v.id = o.plan_version_id
       left join memberships m on m.org_id = k.org_id and m.person_id = k.member_id`,
    [digest],
  );
  return rows[0] ?? null;
}

function entryOf(row: Row, payUrlOf: PayUrlOf, known: KnownAddressLists): ApiKeyEntry {
  const { allowedModels, addresses, rateTier, keyRates, orgRates, overdueStage: stage, payInvoiceId, ...rest } = row;
  const payLink = payInvoiceId === null ? null : payUrlOf(payInvoiceId);
  const hasOwnRates = Object.values(keyRates).some((rate) => rate !== null);
  const organization = scopeOf(`org:${row.orgId}`, orgRates, stage);
  return Object.freeze({
    ...rest,
    allowedModels: allowedModels === null ? null : new Set(allowedModels),
    addressLists: addressListsOf(addresses, known),
    restriction: stage === 'none' ? null : { stage, payLink },
    rateScopes: hasOwnRates ? [scopeOf(`key:${row.id}`, keyRates, stage), organization] : [organization],
  });
}

function addressListsOf(addresses: Row['addresses'], known: KnownAddressLists): readonly OwnAddressList[] | null {
  const lists = OWNERS.flatMap((owner) => {
    const ranges = addresses[owner];
    return ranges === null ? [] : [{ owner, addresses: known.of(ranges) }];
  });
  return lists.length === 0 ? null : lists;
}

function scopeOf(id: string, rates: Rates, stage: Stage): RateScope {
  return { id, ...rates, requestsPerMinute: requestsPerMinuteAt(stage, rates.requestsPerMinute) };
}
