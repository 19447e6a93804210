// One request to Stripe's API from its head to the answer, in Stripe's order: who asks, which version, which operation, was this key
// used before, are the parameters right. Only then does anything happen, and that together with the answer is one line on disk.
import { API_VERSION } from './resources/events.ts';
import { type Found, findRoute } from './routes.ts';
import type { StoredAnswer } from './state/tables.ts';
import { expanded } from './wire/expansion.ts';
import { canonicalForm, decodeForm } from './wire/form.ts';
import type { ParameterSchema } from './wire/parameter-schema.ts';
import { readParameters } from './wire/parameters.ts';
import { Declined, errorJson, invalid, Refusal } from './wire/refusals.ts';
import type { World } from './world.ts';

export interface ApiRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** The body, or the query. */
  readonly form: string;
  readonly authorization: string | undefined;
  readonly version: string | undefined;
  readonly idempotencyKey: string | undefined;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const KEY_LENGTH_MAX = 255;
const KEYS_KEPT_MS = 24 * 60 * 60_000;

export class Api {
  readonly #world: World;
  readonly #schemas: ReadonlyMap<string, ParameterSchema>;
  readonly #keysInUse = new Set<string>();

  constructor(world: World, schemas: ReadonlyMap<string, ParameterSchema>) {
    this.#world = world;
    this.#schemas = schemas;
  }

  /** False: another request holds the key. Who gets true releases it when its answer has left. */
  claimKey({ method, idempotencyKey }: ApiRequest): boolean {
    if (method !== 'POST' || idempotencyKey === undefined) return true;
    if (this.#keysInUse.has(idempotencyKey)) return false;
    this.#keysInUse.add(idempotencyKey);
    return true;
  }

  releaseKey({ method, idempotencyKey }: ApiRequest): void {
    if (method === 'POST' && idempotencyKey !== undefined) this.#keysInUse.delete(idempotencyKey);
  }

  /** `crashes`: does all of it, then answers 500 and keeps that for the key. */
  answer(request: ApiRequest, crashes: boolean): ApiAnswer {
    try {
      authenticate(request.authorization);
      refuseOtherVersions(request.version);
      refuseLongKey(request);
      const found = findRoute(request.method, request.path);
      if (found === null) throw unknownAddress(request);
      return this.#replayed(request) ?? this.#executed(request, found, crashes);
    } catch (error) {
      if (error instanceof Refusal) return refusalAnswer(request, error);
      throw error;
    }
  }

  #replayed(request: ApiRequest): ApiAnswer | null {
    const { idempotencyKey: used = '', method, path, form } = request;
    const stored = method === 'POST' ? this.#world.store.get('answer', used) : undefined;
    if (stored === undefined || stored.expiresAtMs <= this.#world.nowMs()) return null;
    const other =
      stored.operation !== `${method} ${path}`
        ? `for the same endpoint they were first used for ('${path}' vs '${stored.operation.replace('POST ', '')}')`
        : stored.parameters !== canonicalForm(form)
          ? 'with the same parameters they were first used with'
          : null;
    if (other !== null) {
      const message = `Keys for idempotent requests can only be used ${other}. Try using a key other than '${used}' if you meant to execute a different request.`;
      throw new Refusal(400, { type: 'idempotency_error', message });
    }
    const replayed = { 'idempotent-replayed': 'true', 'original-request': stored.requestId };
    const headers = { ...headersOf(request), ...replayed, ...adviceFor(stored.status) };
    return { status: stored.status, body: stored.body, headers };
  }

  #executed(request: ApiRequest, found: Found, crashes: boolean): ApiAnswer {
    const { operation, serves } = found.route;
    const schema = this.#schemas.get(operation);
    if (schema === undefined) throw new Error(`the extract has no ${operation}`);
    const parameters = readParameters(operation, schema, serves, decodeForm(request.form));
    this.#world.cause = { id: request.id, idempotency_key: request.idempotencyKey ?? null };
    return this.#world.store.transact(() => {
      const answer = this.#performed(request, found, parameters);
      const told = crashes ? refusalAnswer(request, CRASH) : answer;
      this.#keep(request, told);
      return { ...told, headers: { ...told.headers, ...adviceFor(told.status) } };
    });
  }

  #performed(request: ApiRequest, { route, id }: Found, parameters: Readonly<Record<string, unknown>>): ApiAnswer {
    const { expand, ...others } = parameters;
    try {
      // What the schema of the operation has passed is what its type says; test/fake-stripe/sdk-types.test.ts compares the two.
      const answered = route.answer(this.#world, others as never, id);
      const isList = 'url' in answered && answered.url === '';
      const body = isList ? { ...answered, url: request.path } : answered;
      const whole = expanded(this.#world.store, body, Array.isArray(expand) ? expand.map(String) : []);
      return { status: 200, body: JSON.stringify(whole), headers: headersOf(request) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!(error instanceof Declined)) this.#world.store.takeBack();
      return refusalAnswer(request, error);
    }
  }

  #keep(request: ApiRequest, { status, body }: ApiAnswer): void {
    if (request.method !== 'POST' || request.idempotencyKey === undefined) return;
    const kept: StoredAnswer = {
      id: request.idempotencyKey,
      operation: `${request.method} ${request.path}`,
      parameters: canonicalForm(request.form),
      status,
      body,
      requestId: request.id,
      expiresAtMs: this.#world.nowMs() + KEYS_KEPT_MS,
    };
    this.#world.store.put('answer', kept);
  }
}

export const CRASH = new Refusal(500, {
  type: 'api_error',
  message: 'An error occurred with our connection to Stripe. (The fake was asked for this.)',
});
export const TOO_MANY = new Refusal(429, {
  type: 'invalid_request_error',
  code: 'rate_limit',
  message: 'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
});

export function keyInUse({ idempotencyKey }: ApiRequest): Refusal {
  const message =
    'There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the ' +
    `other request is still going through): ${idempotencyKey}. Please try again later.`;
  return new Refusal(409, { type: 'idempotency_error', code: 'idempotency_key_in_use', message });
}

export function refusalAnswer(request: ApiRequest, { status, body }: Refusal): ApiAnswer {
  return { status, body: errorJson(body, request.id), headers: headersOf(request) };
}

function headersOf({ id, idempotencyKey }: ApiRequest): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'request-id': id,
    'stripe-version': API_VERSION,
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey, 'original-request': id }),
  };
}

/** A 500 that is kept would only be replayed. */
function adviceFor(status: number): Readonly<Record<string, string>> {
  return status === CRASH.status ? { 'stripe-should-retry': 'false' } : {};
}

function authenticate(authorization: string | undefined): void {
  if (authorization === undefined) {
    const message =
      'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.';
    throw new Refusal(401, { type: 'invalid_request_error', message });
  }
  const secret = /^Bearer ((?:sk|rk)_test_\w+)$/.exec(authorization)?.[1];
  if (secret === undefined) {
    throw new Refusal(401, {
      type: 'invalid_request_error',
      message: 'Invalid API Key provided: only test keys work here',
    });
  }
}

/** The fake knows the objects of one version; whoever pins another would be told things that are not so. */
function refuseOtherVersions(version = API_VERSION): void {
  if (version !== API_VERSION) throw invalid(`Invalid Stripe API version: ${version}`);
}

function unknownAddress({ method, path }: ApiRequest): Refusal {
  const message = `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`;
  return new Refusal(404, { type: 'invalid_request_error', message });
}

function refuseLongKey({ idempotencyKey = '' }: ApiRequest): void {
  if (idempotencyKey.length <= KEY_LENGTH_MAX) return;
  throw invalid(`Idempotency keys may only be up to ${KEY_LENGTH_MAX} characters.`);
}
