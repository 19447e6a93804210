// The two ways to read the meter: all of it by attempt id (for the oracle), and the usage export (for the gateway's importer).

import type { Meter } from './meter.ts';
import { isEndLine, type MeteredUsage, type MeterLine, readLine, storedLines } from './meter-file.ts';

export interface MeterReport {
  readonly attempts: Readonly<Record<string, MeteredAttempt>>;
}

export interface MeteredAttempt {
  readonly model: string;
  readonly usage: MeteredUsage;
  readonly ended: boolean;
  readonly at: number;
}

/** Every attempt that was ever metered; calls under the same attempt id are added up. */
export async function meterReport(meter: Meter): Promise<MeterReport> {
  const { sizeBytes, open } = meter.now();
  const attempts = new Map<string, MeteredAttempt>();
  for await (const { text } of storedLines(meter.path, 0, sizeBytes)) {
    if (isEndLine(text)) count(attempts, readLine(text));
  }
  for (const line of open) count(attempts, line);
  return { attempts: Object.fromEntries(attempts) };
}

function count(attempts: Map<string, MeteredAttempt>, line: MeterLine): void {
  const known = attempts.get(line.attemptId);
  attempts.set(line.attemptId, {
    model: line.model,
    usage: known === undefined ? line.usage : added(known.usage, line.usage),
    ended: line.ended && (known?.ended ?? true),
    at: line.at,
  });
}

function added(one: MeteredUsage, other: MeteredUsage): MeteredUsage {
  return {
    input: one.input + other.input,
    cachedInput: one.cachedInput + other.cachedInput,
    cacheWrite5m: one.cacheWrite5m + other.cacheWrite5m,
    cacheWrite1h: one.cacheWrite1h + other.cacheWrite1h,
    output: one.output + other.output,
    reasoning: one.reasoning + other.reasoning,
  };
}

export interface UsageExport {
  readonly rows: readonly ExportedAttempt[];
  readonly cursor: string;
  /** Whatever ended before this moment stands in a row at or before the cursor of the last page. */
  readonly asOf: number;
  /** No request that arrived before this moment is still under way; null: none is under way at all. */
  readonly oldestOpenAt: number | null;
}

export interface ExportedAttempt {
  readonly attemptId: string;
  readonly model: string;
  readonly usage: MeteredUsage;
  readonly endedAt: number;
}

/** Ended calls in the order of their ending; null when the cursor is not one that this meter gave. */
export async function usageExport(meter: Meter, after: number, pageSize: number): Promise<UsageExport | null> {
  const { at, sizeBytes, oldestOpenAt } = meter.now();
  if (after > sizeBytes || !(await isLineStart(meter.path, after))) return null;
  const rows: ExportedAttempt[] = [];
  let cursor = after;
  for await (const { text, end } of storedLines(meter.path, after, sizeBytes)) {
    cursor = end;
    if (isEndLine(text)) rows.push(exported(readLine(text)));
    if (rows.length === pageSize) break;
  }
  return { rows, cursor: String(cursor), asOf: at, oldestOpenAt };
}

async function isLineStart(path: string, position: number): Promise<boolean> {
  if (position === 0) return true;
  for await (const line of storedLines(path, position - 1, position)) return line.text === '';
  return false;
}

function exported(line: MeterLine): ExportedAttempt {
  return { attemptId: line.attemptId, model: line.model, usage: line.usage, endedAt: line.at };
}
