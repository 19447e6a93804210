// Who was hurt by a kill: what failed of the work that clients, Stripe's webhooks and our own processes were at. Nobody here asks a part
// whether it is there: a kill during which nothing was under way proves nothing, and does not count (D78).

export const VICTIMS = ['worker', 'gateway', 'temporal', 'postgres', 'stripe', 'inbox'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Complaint {
  readonly atMs: number;
  /** Whose absence it tells of. */
  readonly of: Victim;
  /** The process that was lost, where there are several. */
  readonly pid: number | null;
  /** "customer", "worker-a", "Temporal" */
  readonly by: string;
  readonly what: string;
}

export class Complaints {
  readonly #heard: Complaint[] = [];

  hear(complaint: Complaint): void {
    this.#heard.push(complaint);
  }

  /** The first within that time; null: nobody noticed. */
  about(of: Victim, pid: number, sinceMs: number, untilMs: number): Complaint | null {
    const found = this.#heard.find(
      (one) => one.of === of && one.atMs >= sinceMs && one.atMs <= untilMs && (one.pid === null || one.pid === pid),
    );
    return found ?? null;
  }
}
