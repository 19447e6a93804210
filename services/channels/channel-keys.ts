// The keys of a channel: sealed before they are written, opened for the upstream only, never returned.
// A key is bound to the origin for which it was entered (R-KEY-4): the vault does not open it for another one.
// Trying a key is one small real call, whose outcome is told in the words of failover.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { classify, type FailureClass, parseRetryAfter } from '../../domain/failures.ts';
import type { Usage } from '../../domain/meters.ts';
import { type Egress, EgressRefused } from '../egress/egress.ts';
import { newId } from '../platform/ids.ts';
import { scrub } from '../platform/log.ts';
import type { Queryable } from '../platform/postgres.ts';
import { seal } from '../vault/sealing.ts';
import type { Sealed, Vault } from '../vault/vault.ts';
import { channelKeyContext } from './channel-key-context.ts';
import type { Channel } from './channels.ts';
import { beginTrial, settleTrial, type TrialCall, usageOfTrial } from './trial-cost.ts';

const TRIAL_TIMEOUT_MS = 15_000;
const TRIAL_ANSWER_BYTES = 262_144;
const TRIAL_OUTPUT_TOKENS = 16;
const SHORTEST_TOLD = 12;

export async function addChannelKeys(
  tx: PoolClient,
  vault: Vault,
  channel: { readonly id: string; readonly baseUrl: string },
  secrets: readonly string[],
): Promise<void> {
  for (const secret of secrets) {
    const id = newId();
    const sealed = await seal(tx, vault, secret, channelKeyContext(id, channel.baseUrl));
    await tx.query(
      'insert into channel_keys (id, channel_id, sealed, master_key_version, last_four) values ($1, $2, $3, $4, $5)',
      [id, channel.id, JSON.stringify(sealed), sealed.v, lastFourOf(secret)],
    );
  }
  await newVersion(tx, channel.id);
}

/** The last characters of a short key would be most of it. */
export function lastFourOf(secret: string): string {
  return secret.length < SHORTEST_TOLD ? '****' : secret.slice(-4);
}

export async function setChannelKeyStatus(
  tx: PoolClient,
  channelId: string,
  keyId: string,
  { status, reason }: { readonly status: 'active' | 'disabled'; readonly reason: string },
): Promise<void> {
  const { rowCount } = await tx.query(
    `update channel_keys set status = $3, status_reason = $4, status_at = clock_timestamp() where id = $2 and channel_id = $1`,
    [channelId, keyId, status, reason],
  );
  if (rowCount === 0) throw noSuchKey(channelId, keyId);
  await newVersion(tx, channelId);
}

/** Keys are part of what a channel is shown to be, so whoever changes it must have seen them. */
export async function newVersion(tx: PoolClient, channelId: string): Promise<void> {
  await tx.query('update channels set version = version + 1 where id = $1', [channelId]);
}

function noSuchKey(channelId: string, keyId: string): TollgateError {
  return new TollgateError('not_found', { message: `Channel ${channelId} has no key ${keyId}.`, param: 'keyId' });
}

export async function disableChannelKeys(tx: PoolClient, channelId: string, reason: string): Promise<void> {
  await tx.query(
    `update channel_keys set status = 'disabled', status_reason = $2, status_at = clock_timestamp()
      where channel_id = $1 and status = 'active'`,
    [channelId, reason],
  );
}

/** A key that was entered for another origin can no longer be opened, so nobody may enable it. */
export async function opens(db: Queryable, vault: Vault, channel: Channel, keyId: string): Promise<boolean> {
  const sealed = await sealedKey(db, channel.id, keyId);
  try {
    vault.open(sealed, channelKeyContext(keyId, channel.baseUrl));
    return true;
  } catch {
    return false;
  }
}

export async function sealedKey(db: Queryable, channelId: string, keyId: string): Promise<Sealed> {
  const { rows } = await db.query<{ sealed: Sealed }>(
    'select sealed from channel_keys where id = $2 and channel_id = $1',
    [channelId, keyId],
  );
  const [row] = rows;
  if (row === undefined) throw noSuchKey(channelId, keyId);
  return row.sealed;
}

export interface ChannelTrial {
  readonly ok: boolean;
  readonly modelId: string;
  readonly upstreamModel: string;
  readonly keyId: string;
  readonly status: number | null;
  readonly failure: FailureClass | null;
  readonly message: string;
  readonly durationMs: number;
}

interface TrialOutcome extends Pick<ChannelTrial, 'status' | 'failure' | 'message'> {
  /** null: nobody knows what the provider counted. */
  readonly usage: Usage | null;
}

const NOTHING_USED: Usage = {};

export async function tryChannelKey(
  db: Queryable,
  { vault, egress }: { readonly vault: Vault; readonly egress: Egress },
  channel: Channel,
  call: TrialCall,
): Promise<ChannelTrial> {
  const secret = vault.open(
    await sealedKey(db, channel.id, call.keyId),
    channelKeyContext(call.keyId, channel.baseUrl),
  );
  const attempt = await beginTrial(db, channel, call);
  const startedAt = performance.now();
  const { usage, ...outcome } = await callOnce(egress, channel, call, secret, attempt.attemptId).catch(failureOfCall);
  await settleTrial(db, channel, attempt, usage);
  const { keyId, modelId, upstreamModel } = call;
  return {
    ok: outcome.failure === null,
    modelId,
    upstreamModel,
    keyId,
    ...outcome,
    message: scrub(outcome.message.replaceAll(secret, '[key]')).slice(0, 500),
    durationMs: Math.round(performance.now() - startedAt),
  };
}

async function callOnce(
  egress: Egress,
  channel: Channel,
  call: TrialCall,
  secret: string,
  attemptId: string,
): Promise<TrialOutcome> {
  const { path, headers, body } = smallestRequest(channel, call, secret);
  const {
    statusCode,
    headers: answered,
    body: answer,
  } = await egress.pool(channel.baseUrl, channel.allowLocal).request({
    method: 'POST',
    path: `${new URL(channel.baseUrl).pathname}${path}`,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'x-tollgate-attempt-id': attemptId,
      ...headers,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TRIAL_TIMEOUT_MS),
  });
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk;
    if (text.length > TRIAL_ANSWER_BYTES) break;
  }
  const retryAfter = answered['retry-after'];
  // Before any of it is cut: a part of the key would not be found any more.
  return judged(statusCode, text.replaceAll(secret, '[key]'), typeof retryAfter === 'string' ? retryAfter : undefined);
}

function smallestRequest({ provider, outputCapField }: Channel, { kind, upstreamModel }: TrialCall, secret: string) {
  const question = { model: upstreamModel, messages: [{ role: 'user', content: 'Say hi.' }] };
  if (provider === 'anthropic') {
    const headers = { 'x-api-key': secret, 'anthropic-version': '2023-06-01' };
    return { path: '/messages', headers, body: { ...question, max_tokens: TRIAL_OUTPUT_TOKENS } };
  }
  const headers = { authorization: `Bearer ${secret}` };
  if (kind === 'embedding') return { path: '/embeddings', headers, body: { model: upstreamModel, input: 'hi' } };
  const body = { ...question, [outputCapField ?? 'max_tokens']: TRIAL_OUTPUT_TOKENS };
  return { path: '/chat/completions', headers, body };
}

function judged(status: number, text: string, retryAfter: string | undefined): TrialOutcome {
  const answer = readJson(text);
  if (status >= 200 && status < 300) {
    const content = [answer.choices, answer.content, answer.data].find(Array.isArray);
    const usage = usageOfTrial(answer);
    if (content !== undefined) return { status, failure: null, message: 'The channel answered.', usage };
    return {
      status,
      failure: 'protocol',
      message: `HTTP ${status}, but no answer in it: ${text.slice(0, 200)}`,
      usage,
    };
  }
  const error = fieldsOf(answer.error);
  const message = typeof error.message === 'string' ? error.message : text.slice(0, 200);
  const named = { type: textOrNull(error.type), code: textOrNull(error.code) };
  const failure = classify({ status, ...named, message }, parseRetryAfter(retryAfter, Date.now()));
  return { status, failure: failure.class, message: `HTTP ${status}: ${message}`, usage: NOTHING_USED };
}

function readJson(text: string): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return {};
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function failureOfCall(error: unknown): TrialOutcome {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof EgressRefused) return { status: null, failure: 'misconfigured', message, usage: NOTHING_USED };
  if (error instanceof Error && error.name === 'TimeoutError') {
    return { status: null, failure: 'timeout', message: `No answer within ${TRIAL_TIMEOUT_MS} ms.`, usage: null };
  }
  return { status: null, failure: 'unreachable', message, usage: null };
}
