// Whose requests were whose: by its record a request belongs to the gateway that settled it. One without a record may have been
// of any gateway of the installation that it was sent to, and of no other.
import type { AnswerLine } from '../support/load-driver/exchange.ts';
import type { KillEvent } from './kill-log.ts';

export interface Served {
  readonly answers: readonly AnswerLine[];
  readonly events: readonly KillEvent[];
  /** By request id: the pid of the gateway that settled it. */
  readonly pidOf: ReadonlyMap<string, number>;
}

export interface GatewayDeath {
  readonly requests: number;
  /** The crash point at which it died, or that it was killed from outside. */
  readonly how: string;
}

export class Attribution {
  readonly #served: Served;
  /** Where a gateway listened, learned from the answers that it settled. */
  readonly #apiOf: ReadonlyMap<number | undefined, string>;

  constructor(served: Served) {
    this.#served = served;
    this.#apiOf = new Map(served.answers.map((answer) => [this.#pidOf(answer), answer.api]));
  }

  /** A gateway of which nobody knows where it listened may have had any request that has no record. */
  mayBeOf(answer: AnswerLine, pid: number): boolean {
    const settledBy = this.#pidOf(answer);
    return settledBy === undefined ? (this.#apiOf.get(pid) ?? answer.api) === answer.api : settledBy === pid;
  }

  wasHit(answer: AnswerLine): boolean {
    return this.#served.events.some(
      (event) =>
        event.target === 'gateway' &&
        event.at <= answer.at + answer.ms + SLACK_MS &&
        event.untilMs + SLACK_MS >= answer.at &&
        this.mayBeOf(answer, event.pid),
    );
  }

  /** At the death of each gateway, those first that took the fewest requests with them. */
  inFlightAtKills(): GatewayDeath[] {
    const { answers, events } = this.#served;
    return events
      .filter(({ target, what }) => target === 'gateway' && what === 'SIGKILL')
      .map(({ at, pid, point }) => ({
        requests: answers.filter((one) => one.at <= at && one.at + one.ms >= at && this.mayBeOf(one, pid)).length,
        how: point ?? 'killed',
      }))
      .sort((a, b) => a.requests - b.requests);
  }

  #pidOf({ requestId }: AnswerLine): number | undefined {
    return this.#served.pidOf.get(requestId ?? '');
  }
}

// A death shows at the client a moment after it happened.
const SLACK_MS = 250;
