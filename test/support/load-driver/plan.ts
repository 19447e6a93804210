// What a run of the load driver is asked to do, and which request comes next: a pure function of the seed and the index, so that
// a run can be repeated.

export const SURFACES = ['chat', 'completions', 'embeddings', 'messages', 'responses'] as const;
export type Surface = (typeof SURFACES)[number];

export interface LoadPlan {
  /** Each ends in /v1; requests are spread over them evenly, and go to the next where nobody listens, as behind a balancer. */
  readonly apiBaseUrls: readonly string[];
  readonly apiKeys: readonly { readonly credential: string; readonly weight: number }[];
  readonly models: readonly { readonly id: string; readonly weight: number; readonly surfaces: readonly Surface[] }[];
  /** Out of 100. */
  readonly streamedPercent: number;
  /** Demo fault specs; '' is no fault. */
  readonly faults: readonly { readonly spec: string; readonly weight: number }[];
  /** Out of 100: the client hangs up at a random point. */
  readonly abortPercent: number;
  readonly concurrency: number;
  readonly totalRequests: number;
  readonly seed: number;
  readonly timeoutMs: number;
  readonly logFile: string;
}

/** Of the plan's key of that index, from now on. */
export interface NewCredential {
  readonly keyIndex: number;
  readonly credential: string;
}

export interface PlannedRequest {
  readonly index: number;
  /** In the order in which they are tried. */
  readonly baseUrls: readonly string[];
  readonly keyIndex: number;
  readonly credential: string;
  readonly modelId: string;
  readonly surface: Surface;
  readonly streamed: boolean;
  readonly fault: string | null;
  readonly prompt: string;
  readonly maxOutputTokens: number | null;
  readonly hangUp: HangUp | null;
}

export type HangUp = { readonly afterMs: number } | { readonly afterBytes: number };

const LATEST_HANG_UP_MS = 400;
const LATEST_HANG_UP_BYTES = 20_000;
const WORDS = 'toll gate road bridge ferry Zoll péage 料金所 🚧 queue ledger coin receipt lane booth'.split(' ');

export function plannedRequest(plan: LoadPlan, index: number): PlannedRequest {
  const dice = diceFor(plan.seed, index);
  const apiKey = drawn(dice, plan.apiKeys);
  const sold = drawn(dice, plan.models);
  const surface = sold.surfaces[below(dice, sold.surfaces.length)] ?? 'chat';
  const { spec } = drawn(dice, plan.faults);
  const fault = spec === '' ? null : spec;
  return {
    index,
    baseUrls: rotated(plan.apiBaseUrls, below(dice, plan.apiBaseUrls.length)),
    keyIndex: plan.apiKeys.indexOf(apiKey),
    credential: apiKey.credential,
    modelId: sold.id,
    surface,
    streamed: surface !== 'embeddings' && below(dice, 100) < plan.streamedPercent,
    fault,
    prompt: promptOf(dice, fault),
    maxOutputTokens: below(dice, 2) === 0 ? null : 20 + below(dice, 400),
    hangUp: below(dice, 100) < plan.abortPercent ? hangUpOf(dice) : null,
  };
}

function rotated(urls: readonly string[], from: number): string[] {
  return [...urls.slice(from), ...urls.slice(0, from)];
}

function promptOf(dice: () => number, fault: string | null): string {
  const words = Array.from({ length: 5 + below(dice, 60) }, () => WORDS[below(dice, WORDS.length)]);
  return `${words.join(' ')}${fault === null ? '' : ` [[demo:${fault}]]`}`;
}

function hangUpOf(dice: () => number): HangUp {
  if (below(dice, 2) === 0) return { afterMs: below(dice, LATEST_HANG_UP_MS) };
  return { afterBytes: 1 + below(dice, LATEST_HANG_UP_BYTES) };
}

function drawn<Choice extends { readonly weight: number }>(dice: () => number, choices: readonly Choice[]): Choice {
  const total = choices.reduce((sum, { weight }) => sum + weight, 0);
  let left = dice() * total;
  for (const choice of choices) {
    left -= choice.weight;
    if (left < 0) return choice;
  }
  throw new RangeError('nothing to draw from: the plan has an empty list, or weights of zero');
}

function below(dice: () => number, end: number): number {
  return Math.floor(dice() * end);
}

/** splitmix32, seeded by the request: any request can be made again alone. */
function diceFor(seed: number, index: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca77);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
