// What an attempt will be answered with, decided before the first byte from its id and its request alone: how long, in which
// parts, and how its tokens fall into the classes of the bill. Text is made only when it is read.
import type { Ask, ToolOffer } from './ask.ts';
import type { DemoModel } from './catalogue.ts';
import { draw, drawBetween } from './chance.ts';
import type { Fault } from './fault-grammar.ts';
import type { OutputMeter } from './meter.ts';
import type { MeteredUsage } from './meter-file.ts';
import { type ToolSegment, toolCall } from './tool-call.ts';
import { type Piece, type WordChoice, words } from './words.ts';

export interface Plan {
  readonly model: DemoModel;
  readonly input: InputClasses;
  readonly answers: readonly PlannedAnswer[];
}

export type InputClasses = Omit<MeteredUsage, OutputMeter>;

export interface PlannedAnswer {
  readonly segments: readonly Segment[];
  readonly end: 'stop' | 'length' | 'tools';
}

export type Segment = TextSegment | ToolSegment;

export interface TextSegment {
  readonly kind: 'reasoning' | 'text';
  readonly meter: OutputMeter;
  readonly outputTokens: number;
  readonly pieces: () => Iterable<Piece>;
}

export function planAnswers(attemptId: string, ask: Ask, fault: Fault): Plan {
  const input = inputClasses(attemptId, ask);
  const answers = Array.from({ length: ask.answers }, (_, index) => planAnswer(`${attemptId}#${index}`, ask, fault));
  return { model: ask.model, input, answers };
}

/** What the attempt costs when nothing stops it. */
export function plannedUsage(plan: Plan): MeteredUsage {
  const usage = { ...plan.input, output: 0, reasoning: 0 };
  for (const answer of plan.answers)
    for (const segment of answer.segments) usage[segment.meter] += segment.outputTokens;
  return usage;
}

export function joinedPieces(segment: Segment): string {
  return Array.from(segment.pieces(), (piece) => piece.text).join('');
}

export function joined(segments: readonly Segment[], kind: Segment['kind']): string {
  return segments
    .filter((segment) => segment.kind === kind)
    .map(joinedPieces)
    .join('');
}

// Every third attempt finds some of its input in the cache; of those that may write to it, two of three do, half of them for an hour.
function inputClasses(attemptId: string, ask: Ask): InputClasses {
  const sellsCached = ask.model.costMicroUsdPerMillion.cachedInput !== undefined;
  const cachedPercent =
    sellsCached && draw(attemptId, 'cached') % 3 === 0 ? drawBetween(attemptId, 'cached%', 10, 90) : 0;
  const cachedInput = Math.floor((ask.inputTokens * cachedPercent) / 100);
  const left = ask.inputTokens - cachedInput;
  const writes = ask.writesCache ? draw(attemptId, 'writes') % 3 : 0;
  const cacheWrite5m = writes === 0 ? 0 : Math.floor((left * drawBetween(attemptId, 'write5m%', 10, 50)) / 100);
  const cacheWrite1h = writes < 2 ? 0 : Math.floor((left * drawBetween(attemptId, 'write1h%', 10, 50)) / 100);
  return { input: left - cacheWrite5m - cacheWrite1h, cachedInput, cacheWrite5m, cacheWrite1h };
}

const OUTPUT_TOKENS_MIN = 5;
const OUTPUT_TOKENS_MAX = 200;

function planAnswer(answerId: string, ask: Ask, fault: Fault): PlannedAnswer {
  if (fault.empty) return { segments: [], end: 'stop' };
  const wanted = fault.outputTokens ?? drawBetween(answerId, 'length', OUTPUT_TOKENS_MIN, OUTPUT_TOKENS_MAX);
  const cap = Math.min(ask.outputCap ?? ask.model.maxOutputTokens, ask.model.maxOutputTokens);
  const reasoningTokens = ask.thinks ? Math.floor((wanted * drawBetween(answerId, 'reasoning%', 20, 60)) / 100) : 0;
  const reasoning = reasoningSegments(answerId, ask, fault, Math.min(reasoningTokens, cap));
  const room = cap - Math.min(reasoningTokens, cap);
  if (ask.tools.length > 0) return toolAnswer(answerId, ask, fault, reasoning, room);
  const rest = Math.max(wanted - reasoningTokens, ask.json ? JSON_TOKENS_MIN : 0);
  const text = textSegments(answerId, ask, fault, rest, Math.min(rest, room));
  return { segments: [...reasoning, ...text], end: rest > room ? 'length' : 'stop' };
}

function reasoningSegments(answerId: string, ask: Ask, fault: Fault, outputTokens: number): TextSegment[] {
  if (outputTokens === 0) return [];
  const choice = wordChoice(`${answerId}:reasoning`, ask.model, fault, outputTokens, false);
  return [{ kind: 'reasoning', meter: ask.reasoningMeter, outputTokens, pieces: () => words(choice) }];
}

function textSegments(answerId: string, ask: Ask, fault: Fault, wanted: number, outputTokens: number): TextSegment[] {
  if (outputTokens === 0) return [];
  const choice = wordChoice(answerId, ask.model, fault, wanted, ask.json);
  const pieces = ask.json ? () => jsonPieces(choice, outputTokens) : () => words({ ...choice, outputTokens });
  return [{ kind: 'text', meter: 'output', outputTokens, pieces }];
}

function wordChoice(textId: string, asked: DemoModel, fault: Fault, outputTokens: number, plain: boolean): WordChoice {
  const pieceTokensMax = fault.dripMs === null ? 3 : 1;
  return { seed: draw(textId, 'words'), bytesPerToken: asked.bytesPerToken, outputTokens, pieceTokensMax, plain };
}

// {"answer": "..."} around plain words: 12 bytes in front and one token behind are whole tokens of 3 and of 4 bytes.
const JSON_TOKENS_MIN = 6;

function* jsonPieces(choice: WordChoice, outputTokens: number): Generator<Piece> {
  const front = '{"answer": "';
  const frontTokens = front.length / choice.bytesPerToken;
  for (let count = 0; count < Math.min(frontTokens, outputTokens); count++) {
    const from = count * choice.bytesPerToken;
    yield { text: front.slice(from, from + choice.bytesPerToken), outputTokens: 1 };
  }
  const between = Math.min(choice.outputTokens - 1, outputTokens) - frontTokens;
  yield* words({ ...choice, outputTokens: between });
  if (outputTokens === choice.outputTokens) yield { text: '"}'.padEnd(choice.bytesPerToken), outputTokens: 1 };
}

function toolAnswer(
  answerId: string,
  ask: Ask,
  fault: Fault,
  reasoning: readonly TextSegment[],
  room: number,
): PlannedAnswer {
  const segments: Segment[] = [...reasoning];
  let left = room;
  for (const [index, offer] of calledTools(answerId, ask).entries()) {
    if (left === 0) return { segments, end: 'length' };
    const call = toolCall(`${answerId}:tool${index}`, offer, ask.model.bytesPerToken, left, fault.dripMs !== null);
    segments.push(call.segment);
    left -= call.segment.outputTokens;
    if (call.cutShort) return { segments, end: 'length' };
  }
  return { segments, end: 'tools' };
}

/** Two different tools at once for every third answer that may call them so. */
function calledTools(answerId: string, ask: Ask): readonly ToolOffer[] {
  const first = draw(answerId, 'tool') % ask.tools.length;
  const count = ask.parallelTools && draw(answerId, 'tools') % 3 === 0 ? 2 : 1;
  return [...ask.tools.slice(first), ...ask.tools.slice(0, first)].slice(0, count);
}
