// The words in which a fault is asked for: `status=500,p=0.3,first`. A closed list: a misspelled fault is refused, because a
// test whose fault never happens proves nothing.

export const FAULT_STATUSES = [400, 401, 402, 403, 404, 413, 422, 429, 500, 502, 503, 529] as const;
export type FaultStatus = (typeof FAULT_STATUSES)[number];
export type UsageFault = 'none' | 'null' | 'zero' | AbsurdKind;
const ABSURD_KINDS = ['huge', 'negative', 'fraction', 'string'] as const;
export type AbsurdKind = (typeof ABSURD_KINDS)[number];
/** Where a body stops: the socket destroyed, an end that looks clean, or nothing more on an open socket. */
export interface BodyStop {
  readonly kind: 'cut' | 'end' | 'stall';
  readonly afterBytes: number;
}

export interface Fault {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly chunkDelayMs: number;
  /** One token an event, this long apart; null: as usual. */
  readonly dripMs: number | null;
  readonly status: FaultStatus | null;
  readonly retryAfter: string | null;
  readonly quota: boolean;
  readonly redirect: boolean;
  readonly stop: BodyStop | null;
  readonly garbage: boolean;
  readonly garbageMid: boolean;
  readonly wrongLength: boolean;
  readonly gzip: boolean;
  readonly usage: UsageFault | null;
  readonly empty: boolean;
  readonly errorFirst: boolean;
  readonly errorMid: boolean;
  readonly noDone: boolean;
  readonly bigLine: boolean;
  readonly outputTokens: number | null;
}

export const NO_FAULT: Fault = {
  latencyMs: 0,
  jitterMs: 0,
  chunkDelayMs: 0,
  dripMs: null,
  status: null,
  retryAfter: null,
  quota: false,
  redirect: false,
  stop: null,
  garbage: false,
  garbageMid: false,
  wrongLength: false,
  gzip: false,
  usage: null,
  empty: false,
  errorFirst: false,
  errorMid: false,
  noDone: false,
  bigLine: false,
  outputTokens: null,
};

/** A spec as read: what it does, and which attempts it does it to. */
export interface FaultSpec {
  readonly effect: Partial<Fault>;
  readonly probability: number;
  readonly firstOnly: boolean;
}

export function parseFault(spec: string): FaultSpec {
  let read: FaultSpec = { effect: {}, probability: 1, firstOnly: false };
  for (const item of items(spec)) {
    const [name = '', value = ''] = item.split(/=(.*)/s);
    if (name === 'first') read = { ...read, firstOnly: true };
    else if (name === 'p') read = { ...read, probability: probability(value) };
    else read = { ...read, effect: { ...read.effect, ...effectOf(name, value) } };
  }
  return read;
}

// A comma parts two items only where a name follows it: `retry-after=Wed, 21 Oct 2026 07:28:00 GMT` is one item.
function items(spec: string): string[] {
  return spec
    .split(/,(?=\s*[a-z][a-z-]*\s*(?:=|,|$))/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function effectOf(name: string, value: string): Partial<Fault> {
  const effect = Object.hasOwn(EFFECTS, name) ? EFFECTS[name] : undefined;
  if (effect === undefined) throw new RangeError(`there is no demo fault '${name}'; known: ${KNOWN}`);
  return effect(value);
}

const EFFECTS: Readonly<Record<string, (value: string) => Partial<Fault>>> = {
  latency: (value) => ({ latencyMs: whole('latency', value) }),
  jitter: (value) => ({ jitterMs: whole('jitter', value) }),
  'chunk-delay': (value) => ({ chunkDelayMs: whole('chunk-delay', value) }),
  drip: (value) => ({ dripMs: whole('drip', value) }),
  status: (value) => ({ status: status(value) }),
  'retry-after': (value) => ({ retryAfter: value }),
  quota: () => ({ quota: true }),
  redirect: () => ({ redirect: true }),
  cut: (value) => ({ stop: { kind: 'cut', afterBytes: whole('cut', value) } }),
  end: (value) => ({ stop: { kind: 'end', afterBytes: whole('end', value) } }),
  stall: (value) => ({ stop: { kind: 'stall', afterBytes: whole('stall', value) } }),
  garbage: () => ({ garbage: true }),
  'garbage-mid': () => ({ garbageMid: true }),
  'wrong-length': () => ({ wrongLength: true }),
  gzip: () => ({ gzip: true }),
  'no-usage': () => ({ usage: 'none' }),
  'null-usage': () => ({ usage: 'null' }),
  'zero-usage': () => ({ usage: 'zero' }),
  'absurd-usage': (value) => ({ usage: absurdKind(value) }),
  empty: () => ({ empty: true }),
  'error-first': () => ({ errorFirst: true }),
  'error-mid': () => ({ errorMid: true }),
  'no-done': () => ({ noDone: true }),
  'big-line': () => ({ bigLine: true }),
  tokens: (value) => ({ outputTokens: whole('tokens', value) }),
};

const KNOWN = [...Object.keys(EFFECTS), 'p', 'first'].join(', ');

function whole(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new RangeError(`demo fault ${name}=${value}: a whole number is needed`);
  return Number(value);
}

function probability(value: string): number {
  if (!/^(0(\.\d+)?|1(\.0+)?)$/.test(value))
    throw new RangeError(`demo fault p=${value}: a number from 0 to 1 is needed`);
  return Number(value);
}

function status(value: string): FaultStatus {
  const known = FAULT_STATUSES.find((one) => String(one) === value);
  if (known === undefined)
    throw new RangeError(`demo fault status=${value}: one of ${FAULT_STATUSES.join(', ')} is needed`);
  return known;
}

function absurdKind(value: string): AbsurdKind {
  const known = ABSURD_KINDS.find((kind) => kind === value);
  if (known === undefined)
    throw new RangeError(`demo fault absurd-usage=${value}: one of ${ABSURD_KINDS.join(', ')} is needed`);
  return known;
}
