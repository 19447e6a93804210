// Changes a request body by replacing stretches of its bytes; everything else passes as it came. A prompt of megabytes is
// copied once and never serialised again, and fields that we do not know survive, spacing included.
import type { RequestFacts, RewriteOrder } from '../dialect.ts';
import type { Span } from './json-members.ts';
import type { RequestBody } from './request-body.ts';

export interface Edit extends Span {
  readonly text: string;
}

/** Where a body may be changed; noted while it is read, so that each attempt only copies. */
export interface SplicePoints {
  readonly model: Span;
  /** The value of the cap; null where the client sent none. */
  readonly cap: Span | null;
  /** Makes the provider report usage in the stream; null where it does so anyway. */
  readonly usageEdit: Edit | null;
  /** Behind the opening brace: where a missing member goes. The object has a model, so a comma always follows. */
  readonly firstAt: number;
}

export interface SpliceableFacts extends RequestFacts {
  readonly splice: SplicePoints;
}

export function spliceRequest(body: Buffer, facts: RequestFacts, order: RewriteOrder, capName: string): Buffer {
  if (!isSpliceable(facts)) throw new TypeError('these facts were not read by this dialect');
  const { model, cap, usageEdit, firstAt } = facts.splice;
  const edits: Edit[] = [];
  if (order.upstreamModel !== facts.modelId) edits.push(replacing(model, JSON.stringify(order.upstreamModel)));
  if (order.outputCap !== null && order.outputCap !== facts.askedOutputTokens) {
    const digits = String(order.outputCap);
    edits.push(cap === null ? inserting(firstAt, `"${capName}":${digits},`) : replacing(cap, digits));
  }
  if (usageEdit !== null) edits.push(usageEdit);
  return edits.length === 0 ? body : splice(body, edits);
}

export function splicePoints(request: RequestBody, cap: Span | null, usageEdit: Edit | null): SplicePoints {
  const { spans, firstAt } = request.members;
  const model = spans.get('model');
  if (model === undefined) throw new TypeError('a body without a model was let through');
  return { model, cap, usageEdit, firstAt };
}

export function replacing(span: Span, text: string): Edit {
  return { start: span.start, end: span.end, text };
}

export function inserting(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

function isSpliceable(facts: RequestFacts): facts is SpliceableFacts {
  return 'splice' in facts;
}

function splice(body: Buffer, edits: Edit[]): Buffer {
  edits.sort((a, b) => a.start - b.start);
  let sizeBytes = body.length;
  for (const { start, end, text } of edits) sizeBytes += Buffer.byteLength(text) - (end - start);
  const spliced = Buffer.allocUnsafe(sizeBytes);
  let from = 0;
  let to = 0;
  for (const { start, end, text } of edits) {
    to += body.copy(spliced, to, from, start);
    to += spliced.write(text, to);
    from = end;
  }
  body.copy(spliced, to, from);
  return spliced;
}
