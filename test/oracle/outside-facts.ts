// Reads what stands outside the product: the provider's meter, what Stripe has taken, the log of what the clients saw, the log of what was killed.
import { readFileSync } from 'node:fs';
import type { Answer, Capture, Hit, MeteredAttempt } from './facts.ts';
import type { Meters } from './meters.ts';

interface MeterReport {
  readonly attempts: Readonly<
    Record<string, { readonly model: string; readonly usage: Meters; readonly ended: boolean; readonly at: number }>
  >;
}

interface AnswerLine {
  readonly at: number;
  readonly ms: number;
  readonly api: string;
  readonly requestId: string | null;
  readonly status: number;
  readonly promptBytes: number;
  readonly contentBytes: number;
  readonly terminatorSeen: boolean;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly abortedByClient: boolean;
  readonly faultAsked: string | null;
}

interface KillLine {
  readonly at: number;
  readonly untilMs: number;
  readonly target: string;
  readonly pid: number;
}

export async function readMeter(demoMeter: string): Promise<ReadonlyMap<string, MeteredAttempt>> {
  const response = await fetch(demoMeter);
  if (!response.ok) throw new Error(`the provider's meter answered ${response.status}`);
  const { attempts }: MeterReport = JSON.parse(await response.text());
  return new Map(
    Object.entries(attempts).map(([id, { model, usage, ended, at }]) => [
      id,
      { modelId: model, usage, ended, atMs: at },
    ]),
  );
}

interface StripeLedger {
  readonly payment_intents: Readonly<
    Record<string, { readonly captures: number; readonly captured: number; readonly refunded: number }>
  >;
}

export async function readCaptures(stripe: string): Promise<ReadonlyMap<string, Capture>> {
  const response = await fetch(`${stripe}/_test/ledger`);
  if (!response.ok) throw new Error(`the ledger of the fake Stripe answered ${response.status}`);
  const { payment_intents: intents }: StripeLedger = JSON.parse(await response.text());
  const taken = Object.entries(intents).filter(([, { captures }]) => captures > 0);
  return new Map(
    taken.map(([id, { captured, refunded }]) => [id, { capturedCents: captured, refundedCents: refunded }]),
  );
}

export function readAnswers(driverLog: string): Answer[] {
  return jsonLines<AnswerLine>(driverLog).map(({ at, ms, faultAsked, ...line }) => ({
    ...line,
    atMs: at,
    durationMs: ms,
    fault: faultAsked,
  }));
}

export function readHits(killLog: string): Hit[] {
  return jsonLines<KillLine>(killLog).flatMap(({ at, untilMs, target, pid }) =>
    target === 'gateway' || target === 'demo' ? [{ target, fromMs: at, untilMs, pid }] : [],
  );
}

/** A torn last line is a driver that was killed: its request is one whose answer nobody saw. */
function jsonLines<Line>(file: string): Line[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Line);
}
