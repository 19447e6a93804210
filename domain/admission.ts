// How much a request sets aside before it is sent, and how long an answer that sum pays for (design.md 3.2).
// Never the worst case: agents ask for 32,000 to 128,000 output tokens and a trial of one dollar must work. So a
// reserve is an estimate, not a bound; what an answer costs beyond it is charged by settlement.
import type { Usage } from './meters.ts';
import type { Nano } from './nano.ts';
import { charge, type Price, tierFor, unitPrice } from './prices.ts';

// Until a key has a history with a model (ecosystem.md 0.2: the 95th percentile lies at 1,000 to 2,000).
const DEFAULT_P95_OUTPUT_TOKENS = 1000;
const PICO_PER_NANO = 1000n;

interface OutputWish {
  /** The client's own cap; null when it sent none. */
  readonly asked: number | null;
  readonly modelMaximum: number;
}

interface ExpectedOutput extends OutputWish {
  /** Of this key with this model; null before there is one. */
  readonly p95: number | null;
}

interface WantedOutput extends ExpectedOutput {
  /** The smallest of available credit and what is left of each cap. */
  readonly leftNano: Nano;
  readonly price: Price;
  readonly inputTokens: number;
}

interface PlainOutput extends OutputWish {
  /** A thinking budget that a lowered cap must not undercut, else 1 (0 for embeddings). */
  readonly minimum: number;
  readonly reservedNano: Nano;
  readonly price: Price;
  readonly inputTokens: number;
}

interface ReserveBasis {
  readonly price: Price;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export function estimateInputTokens(contentBytes: number, bytesPerToken: number): number {
  return Math.ceil(contentBytes / bytesPerToken);
}

/** A streamed answer reserves this much and asks for more when half of it is used. */
export function expectedOutputTokens({ asked, modelMaximum, p95 }: ExpectedOutput): number {
  return Math.min(mostOutput({ asked, modelMaximum }), p95 ?? DEFAULT_P95_OUTPUT_TOKENS);
}

/** A plain answer cannot be extended, so it asks for more at once: up to a tenth of what is left, spent on output. */
export function wantedOutputTokens(wish: WantedOutput): number {
  const most = mostOutput(wish);
  const tenPerToken = outputPico(wish.price, wish.inputTokens) * 10n;
  const paidByTenth = tokensFor(wish.leftNano * PICO_PER_NANO, tenPerToken, most);
  return Math.min(most, Math.max(wish.p95 ?? DEFAULT_P95_OUTPUT_TOKENS, paidByTenth));
}

export function reserveFor({ price, inputTokens, outputTokens }: ReserveBasis): Nano {
  return charge(price, { input: inputTokens, output: outputTokens });
}

/** The output tokens that the reserve pays beside the input; null when the request cannot do with so few. */
export function plainOutputCap(wish: PlainOutput): number | null {
  const most = mostOutput(wish);
  const leftForOutput = wish.reservedNano * PICO_PER_NANO - inputPico(wish.price, wish.inputTokens);
  if (leftForOutput < 0n) return null;
  const paid = tokensFor(leftForOutput, outputPico(wish.price, wish.inputTokens), most);
  return paid >= Math.min(wish.minimum, most) ? paid : null;
}

/** The charge when a provider reported no usage: a pure function of bytes, so that anybody can check it afterwards. */
export function estimateUsage(contentBytesIn: number, deliveredBytes: number, bytesPerToken: number): Usage {
  return { input: Math.floor(contentBytesIn / bytesPerToken), output: Math.ceil(deliveredBytes / bytesPerToken) };
}

function mostOutput({ asked, modelMaximum }: OutputWish): number {
  return Math.min(asked ?? modelMaximum, modelMaximum);
}

function inputPico(price: Price, inputTokens: number): bigint {
  const perToken = BigInt(unitPrice(tierFor(price, inputTokens), 'input'));
  return BigInt(price.perCallNano) * PICO_PER_NANO + BigInt(inputTokens) * perToken;
}

function outputPico(price: Price, inputTokens: number): bigint {
  return BigInt(unitPrice(tierFor(price, inputTokens), 'output'));
}

function tokensFor(pico: bigint, picoPerToken: bigint, most: number): number {
  if (picoPerToken === 0n) return most;
  if (pico <= 0n) return 0;
  const tokens = pico / picoPerToken;
  return tokens < BigInt(most) ? Number(tokens) : most;
}
