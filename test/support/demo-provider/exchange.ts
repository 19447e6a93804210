// One request and everything its answer needs. All surfaces answer through metered(), so that no call stays open on the meter
// and the faults that every surface shares happen in one place.
import type { Fault } from './fault-grammar.ts';
import type { JsonObject } from './json-body.ts';
import type { Meter, MeteredCall, OutputMeter } from './meter.ts';
import type { MeteredUsage } from './meter-file.ts';
import { type Plan, plannedUsage } from './plan.ts';
import type { Family } from './refusals.ts';
import type { Sink } from './sink.ts';
import { comment, encode, frame, type WireStyle } from './wire-style.ts';

export interface Exchange {
  readonly attemptId: string;
  readonly requestId: string;
  readonly family: Family;
  readonly headers: Record<string, string>;
  readonly body: JsonObject;
  readonly bodyText: string;
  readonly fault: Fault;
  readonly style: WireStyle;
  readonly sink: Sink;
  readonly meter: Meter;
}

/** An event of a stream; what it carries is metered before it is sent. */
export interface Step {
  readonly meter: OutputMeter;
  readonly outputTokens: number;
  /** States the usage or an end: the meter must agree to the token first. */
  readonly final: boolean;
  readonly event: (usage: MeteredUsage) => string;
}

/** An event that carries no text. */
export const SILENT = { meter: 'output', outputTokens: 0, final: false } as const;
/** An event that states the usage or an end. */
export const CLOSING = { ...SILENT, final: true } as const;

/** How a surface writes what can go wrong. */
export interface SurfaceErrors {
  /** The whole body of a 200 that is none. */
  readonly body: unknown;
  /** The same as an event of a stream. */
  readonly event: string;
  /** An event that means nothing, for padding. */
  readonly idle: { readonly name: string | null; readonly data: JsonObject };
}

export async function answerStream(
  exchange: Exchange,
  plan: Plan,
  errors: SurfaceErrors,
  steps: Iterable<Step>,
): Promise<void> {
  const { sink, fault, style } = exchange;
  const headers = {
    ...exchange.headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  };
  if (fault.errorFirst) {
    await sink.head(200, headers, null);
    await sink.send(errors.event);
    return sink.end();
  }
  await metered(exchange, plan, async (call) => {
    await sink.head(200, headers, null);
    if (style.comment) await sink.send(comment(style));
    if (fault.garbage) await sink.send(GARBAGE);
    else await sendSteps(exchange, call, errors, steps);
    await sink.end();
  });
}

export async function answerWhole(
  exchange: Exchange,
  plan: Plan,
  errors: SurfaceErrors,
  body: (usage: MeteredUsage) => unknown,
): Promise<void> {
  const { sink, fault, style } = exchange;
  const headers = { ...exchange.headers, 'content-type': 'application/json' };
  if (fault.errorFirst) return sink.sendWhole(200, headers, encode(errors.body, style));
  await metered(exchange, plan, async (call) => {
    if (fault.garbage) return sink.sendWhole(200, headers, GARBAGE);
    call.complete();
    await sink.sendWhole(200, headers, encode(body(call.usage()), style));
  });
}

async function metered(exchange: Exchange, plan: Plan, send: (call: MeteredCall) => Promise<void>): Promise<void> {
  if (!exchange.sink.open) return;
  const call = exchange.meter.start(exchange.attemptId, plan.model.id, plannedUsage(plan));
  try {
    await send(call);
  } finally {
    call.end();
  }
}

// Faults in the middle of a stream happen after the second event that carries text, or just before the end of a shorter answer.
const DISTURBED_AFTER_EVENTS = 2;

async function sendSteps(
  exchange: Exchange,
  call: MeteredCall,
  errors: SurfaceErrors,
  steps: Iterable<Step>,
): Promise<void> {
  const { sink, fault } = exchange;
  let textEvents = 0;
  let disturbed = false;
  for (const step of steps) {
    if (!sink.open) return;
    if (!disturbed && (step.final || textEvents === DISTURBED_AFTER_EVENTS)) {
      disturbed = true;
      await sink.send(disturbance(exchange, errors));
      if (fault.errorMid) return;
    }
    call.generate(step.meter, step.outputTokens);
    if (step.final) call.settle();
    await sink.send(step.event(call.usage()));
    if (step.outputTokens === 0) continue;
    textEvents++;
    await sink.pause(fault.dripMs ?? fault.chunkDelayMs);
  }
}

function disturbance({ fault, style }: Exchange, errors: SurfaceErrors): string {
  const broken = fault.garbageMid ? frame(errors.idle.name, '{"broken":"js', style) : '';
  const padded = { ...errors.idle.data, obfuscation: 'x'.repeat(BIG_LINE_BYTES) };
  const big = fault.bigLine ? frame(errors.idle.name, encode(padded, style), style) : '';
  return broken + big + (fault.errorMid ? errors.event : '');
}

const BIG_LINE_BYTES = 1_048_576;

// No UTF-8, no JSON, no events.
const GARBAGE = Buffer.from('\x00\xff\xfe<<%PDF-1.4 \xc3\x28 }{ ][ data data: \x80\x81', 'latin1');
