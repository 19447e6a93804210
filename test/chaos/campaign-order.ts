// What a campaign is asked to do; run.ts orders the long one, a test the short one.
import type { CrashPoint } from '../../services/platform/crash-points.ts';
import type { Demands } from './validity.ts';

export interface CampaignOrder {
  readonly seed: number;
  /** It is not as much as a campaign that counts: whatever it finds, it does not count. */
  readonly isShort: boolean;
  readonly demands: Demands;
  readonly blows: Blows;
  readonly sweep: Sweep;
  readonly gatewayProcesses: number;
  readonly concurrency: number;
  /** Seconds for everything to settle after the last request. */
  readonly quietSeconds: number;
  say(line: string): void;
}

export interface Sweep {
  readonly points: readonly CrashPoint[];
  /** How often each is to be hit. */
  readonly hits: number;
  /** A point that is not hit so often by then has had its time. */
  readonly secondsPerPoint: number;
}

export interface Blows {
  readonly gateways: number;
  /** What a gateway should have under way when it is killed. */
  readonly requestsHit: number;
  readonly postgres: number;
  readonly redis: number;
  readonly demo: number;
  /** Seconds of PostgreSQL answering late, each time. */
  readonly slowSeconds: readonly number[];
  readonly silentSeconds: readonly number[];
  /** Gateways stopped in their tracks, one after the other. */
  readonly pausedSeconds: readonly number[];
  readonly betweenMs: number;
}
