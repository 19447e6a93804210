// What a campaign of keys and backups is asked to do: run.ts orders the long one, a test the short one.
export interface KeysOrder {
  readonly seed: number;
  readonly kills: number;
  readonly concurrency: number;
  /** Between two kills, about. */
  readonly betweenMs: number;
  /** How often the master key is changed for another one while parts are killed: so many rounds there are. */
  readonly rounds: number;
  /** Tonight's backup has been done without: only those are taken that somebody asks for. */
  readonly isNightOver: boolean;
  readonly demands: KeysDemands;
  /** Seconds for everything to come to its end, and again for everything to be settled: what waited for another backup looks after five minutes at the latest. */
  readonly quietSeconds: number;
  /** It is not as much as a campaign that counts. */
  readonly isShort: boolean;
  say(line: string): void;
}

export interface KeysDemands {
  readonly requests: number;
  /** Changes of channel keys that came to their end, and that were taken back. */
  readonly channelKeys: number;
  readonly takenBack: number;
  readonly rolls: number;
  readonly leaks: number;
  readonly backups: number;
  readonly drills: number;
  /** Kills while each kind of process was under way. */
  readonly killsDuringEach: number;
  /** Out of 100, of the requests whose gateway was not hit. */
  readonly soundPercent: number;
}

const COUNTS = 60;
const KILLS_OF_A_ROUND = 12;

export function keysOrder(
  { kills, seed }: { readonly kills: number; readonly seed: number },
  say: KeysOrder['say'],
): KeysOrder {
  const isShort = kills < COUNTS;
  const atLeast = (whole: number) => (isShort ? 1 : whole);
  return {
    seed,
    kills,
    concurrency: 16,
    betweenMs: 9_000,
    rounds: Math.max(1, Math.round(kills / KILLS_OF_A_ROUND)),
    isNightOver: false,
    demands: {
      requests: atLeast(10_000),
      channelKeys: atLeast(15),
      takenBack: isShort ? 0 : 3,
      rolls: atLeast(60),
      leaks: atLeast(15),
      backups: atLeast(10),
      drills: atLeast(4),
      killsDuringEach: isShort ? 0 : 5,
      soundPercent: isShort ? 50 : 90,
    },
    quietSeconds: 330,
    isShort,
    say,
  };
}
