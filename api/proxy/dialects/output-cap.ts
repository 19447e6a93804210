// The cap on output that a client asked for, and where it stands in the body.
import type { Span } from './json-members.ts';
import { refuseValue } from './refusal.ts';
import type { RequestBody } from './request-body.ts';
import { outputCapOf } from './request-values.ts';

export interface OutputCap {
  readonly asked: number | null;
  readonly span: Span | null;
}

/** names: all under which the surface takes its cap. An upstream may know either, so only one may be sent. */
export function outputCap(request: RequestBody, names: readonly string[]): OutputCap {
  let asked: number | null = null;
  let span: Span | null = null;
  for (const name of names) {
    const value = outputCapOf(request.values, name);
    if (value !== null && asked !== null) refuseValue(name, `Send either "${names.join('" or "')}", not both.`);
    if (value !== null || span === null) span = request.members.spans.get(name) ?? span;
    asked ??= value;
  }
  return { asked, span };
}
