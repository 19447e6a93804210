// What a step of a durable process answers. Whoever takes the step saves the new state and makes the writes in one transaction, so
// that both happened once or not at all. What is asked for happens outside and is told again with every step until its answer
// has come as an event: asks carry the ids that make repeating them harmless, and a process that was killed is continued by
// stepping its stored state (D36).

export interface Stepped<State, Write, Ask> {
  readonly kind: 'stepped';
  readonly state: State;
  readonly writes: readonly Write[];
  readonly asks: readonly Ask[];
  /** Always ahead. Null: only an event will change anything. */
  readonly wakeAtMs: number | null;
}

/** Nothing has changed. */
export interface Refused<Reason extends string> {
  readonly kind: 'refused';
  readonly reason: Reason;
}

export function refuse<Reason extends string>(reason: Reason): Refused<Reason> {
  return { kind: 'refused', reason };
}

/** A person's command: counted once by its request id, and only if the person saw what he changes. */
export interface Command {
  readonly requestId: string;
  readonly revision: number;
}

export interface Commanded {
  readonly revision: number;
  /** Of the last commands. */
  readonly requestIds: readonly string[];
}

const REQUESTS_REMEMBERED = 50;

export function remembering(requestIds: readonly string[], requestId: string): string[] {
  return [...requestIds, requestId].slice(-REQUESTS_REMEMBERED);
}
