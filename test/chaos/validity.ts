// Whether a campaign proves anything. A run in which nothing was under way when a gateway died, or in which most requests failed
// for other reasons than those that were asked for, is void, whatever the oracle says.
import { CRASH_POINTS } from '../../services/platform/crash-points.ts';
import type { AnswerLine } from '../support/load-driver/exchange.ts';
import type { KillEvent } from './kill-log.ts';

export interface Demands {
  readonly requests: number;
  readonly kills: number;
  readonly hitsPerPoint: number;
  readonly inFlightAtKill: number;
  /** Out of 100, of the requests whose gateway was not hit. */
  readonly soundPercent: number;
}

export interface Condition {
  readonly name: string;
  readonly figure: string;
  readonly met: boolean;
}

export interface Campaign {
  readonly answers: readonly AnswerLine[];
  readonly events: readonly KillEvent[];
  /** Keys by index whose credit or caps are meant to run out. */
  readonly mayRunOut: readonly boolean[];
  /** By request id: the pid of the gateway that settled it. */
  readonly pidOf: ReadonlyMap<string, number>;
  /** What died without being asked to. */
  readonly unasked: readonly string[];
}

export function conditionsOf(campaign: Campaign, demands: Demands): Condition[] {
  const { answers, events, unasked } = campaign;
  const streamed = answers.filter((answer) => answer.streamed).length;
  const kills = events.filter(({ what }) => what === 'SIGKILL').length;
  const unhit = answers.filter((answer) => !wasHit(campaign, answer));
  const sound = unhit.filter((answer) => isSound(campaign, answer)).length;
  const inFlight = leastInFlight(answers, events);
  return [
    atLeast('requests', answers.length, demands.requests),
    {
      name: 'streamed',
      figure: percent(streamed, answers.length),
      met: Math.abs(streamed * 2 - answers.length) <= answers.length * 0.2,
    },
    atLeast('kills', kills, demands.kills),
    atLeast('fewest requests in flight at a gateway kill', inFlight, demands.inFlightAtKill),
    ...CRASH_POINTS.map((point) => atLeast(`hits of ${point}`, hitsOf(events, point), demands.hitsPerPoint)),
    {
      name: 'sound among the unhit',
      figure: percent(sound, unhit.length),
      met: sound * 100 >= unhit.length * demands.soundPercent,
    },
    { name: 'deaths nobody asked for', figure: unasked.join('; ') || '0', met: unasked.length === 0 },
  ];
}

function atLeast(name: string, figure: number, demanded: number): Condition {
  return { name, figure: `${figure} of ${demanded}`, met: figure >= demanded };
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(whole, 1)).toFixed(1)} % of ${whole}`;
}

function hitsOf(events: readonly KillEvent[], point: string): number {
  return events.filter((event) => event.point === point).length;
}

function leastInFlight(answers: readonly AnswerLine[], events: readonly KillEvent[]): number {
  const gatewayKills = events.filter(({ target, what }) => target === 'gateway' && what === 'SIGKILL');
  const counts = gatewayKills.map(
    ({ at }) => answers.filter((answer) => answer.at <= at && answer.at + answer.ms >= at).length,
  );
  return counts.length === 0 ? 0 : Math.min(...counts);
}

// A death shows at the client a moment after it happened.
const SLACK_MS = 250;

/** By its own gateway where that is known, else by any. */
export function wasHit({ events, pidOf }: Campaign, { at, ms, requestId }: AnswerLine): boolean {
  const pid = pidOf.get(requestId ?? '');
  return events.some(
    (event) =>
      event.target === 'gateway' &&
      event.at <= at + ms + SLACK_MS &&
      event.untilMs + SLACK_MS >= at &&
      (pid === undefined || event.pid === pid),
  );
}

// Faults that no failover hides: the answer has begun, every attempt meets them, or the end itself is taken away.
const SHOWS = /^(cut|end|error-mid|wrong-length|no-done|status=400)/;

/** It ended complete, or as its client, its key or its fault demanded. */
export function isSound({ mayRunOut }: Campaign, answer: AnswerLine): boolean {
  if (answer.terminatorSeen && answer.status === 200) return true;
  if (answer.abortedByClient || SHOWS.test(answer.faultAsked ?? '')) return true;
  return mayRunOut[answer.keyIndex] === true && (answer.status === 402 || answer.status === 429);
}
