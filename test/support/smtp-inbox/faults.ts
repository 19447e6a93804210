// What goes wrong with the next mails, as a test orders it: `{"fault": {...}, "times": 2}`, or `{"fault": null}` to end it.
//   {"kind": "refuse", "status": 451}   no mail is taken: 4xx asks the sender to come again, 5xx never to
//   {"kind": "drop", "kept": true}      the connection breaks between the message and the 250: the sender cannot know which it is
//   {"kind": "delay", "ms": 500}        taken, and acknowledged late
// Without `times` it holds until it is ended.

export type Fault =
  | { readonly kind: 'refuse'; readonly status: number }
  | { readonly kind: 'drop'; readonly kept: boolean }
  | { readonly kind: 'delay'; readonly ms: number };

export class FaultOrder {
  #fault: Fault | null = null;
  #left = 0;

  place(fault: Fault | null, times: number): void {
    this.#fault = fault;
    this.#left = times;
  }

  /** The fault for one mail, if it is of these kinds. */
  take<Kind extends Fault['kind']>(...kinds: Kind[]): Extract<Fault, { kind: Kind }> | null {
    const fault = this.#fault;
    if (fault === null || this.#left === 0 || !isOneOf(fault, kinds)) return null;
    this.#left -= 1;
    return fault;
  }
}

function isOneOf<Kind extends Fault['kind']>(fault: Fault, kinds: Kind[]): fault is Extract<Fault, { kind: Kind }> {
  return kinds.some((kind) => kind === fault.kind);
}

/** A text that says what is wrong with it, else the order. */
export function readOrder(body: unknown): { fault: Fault | null; times: number } | string {
  if (typeof body !== 'object' || body === null) return 'an object with a fault is needed';
  const { fault, times = Number.POSITIVE_INFINITY, ...others } = body as Record<string, unknown>;
  if (Object.keys(others).length > 0) return `unknown: ${Object.keys(others).join(', ')}`;
  if (typeof times !== 'number' || !(times >= 1)) return 'times must be a number from 1 on';
  if (fault === null) return { fault, times };
  const read = readFault(fault);
  return typeof read === 'string' ? read : { fault: read, times };
}

function readFault(fault: unknown): Fault | string {
  const { kind, status, kept, ms } = (fault ?? {}) as Record<string, unknown>;
  if (kind === 'refuse') return isRefusal(status) ? { kind, status } : 'status must be from 400 to 599';
  if (kind === 'drop') return typeof kept === 'boolean' ? { kind, kept } : 'kept must be true or false';
  if (kind === 'delay') return typeof ms === 'number' && ms > 0 ? { kind, ms } : 'ms must be above 0';
  return 'kind must be refuse, drop or delay';
}

function isRefusal(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599;
}
