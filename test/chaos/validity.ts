// Whether a campaign proves anything. A run in which nothing was under way when a gateway died, or in which most requests failed
// for other reasons than those that were asked for, is void, whatever the oracle says.
import { CRASH_POINTS } from '../../services/platform/crash-points.ts';
import { Attribution, type GatewayDeath, type Served } from './attribution.ts';
import type { Breadth } from './breadth.ts';
import type { KillEvent } from './kill-log.ts';
import { isSound } from './soundness.ts';

export interface Demands {
  readonly requests: number;
  readonly kills: number;
  readonly hitsPerPoint: number;
  /** Of the gateway that was killed, each time. */
  readonly inFlightAtKill: number;
  /** Out of 100, of the requests whose gateway was not hit. */
  readonly soundPercent: number;
  readonly breadth: Breadth;
  /** Gateways that were stopped for so long, and PostgreSQL slow and silent for so long, each at least once. */
  readonly pausedSeconds: readonly number[];
  readonly slowSeconds: readonly number[];
  readonly silentSeconds: readonly number[];
}

export interface Condition {
  readonly name: string;
  readonly figure: string;
  readonly met: boolean;
}

export interface Campaign extends Served {
  /** Keys by index whose credit or caps are meant to run out. */
  readonly mayRunOut: readonly boolean[];
  /** What died without being asked to. */
  readonly unasked: readonly string[];
  readonly breadth: Breadth;
}

/** Out of 100: how far from half the share of streams may be. */
const STREAMED_WITHIN = 5;

export function conditionsOf(campaign: Campaign, demands: Demands): Condition[] {
  const { answers, events, unasked, mayRunOut } = campaign;
  const attribution = new Attribution(campaign);
  const streamed = answers.filter((answer) => answer.streamed).length;
  const kills = events.filter(({ what }) => what === 'SIGKILL').length;
  const unhit = answers.filter((answer) => !attribution.wasHit(answer));
  const sound = unhit.filter((answer) => isSound(answer, mayRunOut[answer.keyIndex] ?? false, events)).length;
  const [leastHit] = attribution.inFlightAtKills();
  return [
    atLeast('requests', answers.length, demands.requests),
    {
      name: 'streamed',
      figure: percent(streamed, answers.length),
      met: Math.abs(streamed * 100 - answers.length * 50) <= answers.length * STREAMED_WITHIN,
    },
    atLeast('kills', kills, demands.kills),
    enoughInFlight(leastHit, demands.inFlightAtKill),
    ...CRASH_POINTS.map((point) => atLeast(`hits of ${point}`, hitsOf(events, point), demands.hitsPerPoint)),
    ...blowsStruck(events, demands),
    ...breadthReached(campaign.breadth, demands.breadth),
    {
      name: 'sound among the unhit',
      figure: percent(sound, unhit.length),
      met: sound * 100 >= unhit.length * demands.soundPercent,
    },
    { name: 'deaths nobody asked for', figure: unasked.join('; ') || '0', met: unasked.length === 0 },
  ];
}

function enoughInFlight(leastHit: GatewayDeath | undefined, demanded: number): Condition {
  const condition = atLeast('fewest requests in flight of a killed gateway', leastHit?.requests ?? 0, demanded);
  return { ...condition, figure: `${condition.figure} (${leastHit?.how ?? 'none was killed'})` };
}

function blowsStruck(events: readonly KillEvent[], demands: Demands): Condition[] {
  const lasted = (what: KillEvent['what'], seconds: number) =>
    events.filter((event) => event.what === what && event.untilMs - event.at === seconds * 1_000).length;
  return [
    ...demands.pausedSeconds.map((one) => atLeast(`gateway paused ${one} s`, lasted('SIGSTOP', one), 1)),
    ...demands.slowSeconds.map((one) => atLeast(`PostgreSQL slow ${one} s`, lasted('slow', one), 1)),
    ...demands.silentSeconds.map((one) => atLeast(`PostgreSQL silent ${one} s`, lasted('paused', one), 1)),
  ];
}

function breadthReached(reached: Breadth, demanded: Breadth): Condition[] {
  const names = Object.keys(demanded) as (keyof Breadth)[];
  return names.map((name) => atLeast(name, reached[name], demanded[name]));
}

/** `detail`: of the figure, for people. */
export function atLeast(name: string, figure: number, demanded: number, detail = ''): Condition {
  return { name, figure: `${figure} of ${demanded}${detail}`, met: figure >= demanded };
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(whole, 1)).toFixed(1)} % of ${whole}`;
}

function hitsOf(events: readonly KillEvent[], point: string): number {
  return events.filter((event) => event.point === point).length;
}
