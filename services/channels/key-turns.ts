// In which order the keys of a channel take turns: each place once in every round. Where two keys share a place, the new one has its share of the
// rounds, exactly and spread over them. Made once for a table, so that choosing a key costs a request what it costs with one key in each place (D137).
import type { ChannelKey } from './routing-table.ts';

export interface Turns {
  readonly keys: readonly ChannelKey[];
  /** They have no turn, and serve when those that have one do not. */
  readonly standby: readonly ChannelKey[];
}

const WHOLE = 100;

export function turnsOf(keys: readonly ChannelKey[]): Turns {
  const places = [...Map.groupBy(keys, ({ slotId }) => slotId).values()].map((shared) =>
    shared.toSorted((one, other) => other.share - one.share),
  );
  // A round less would give one of them a part of a turn.
  const rounds = WHOLE / places.reduce((divisor, place) => commonDivisor(divisor, lesserShare(place)), WHOLE);
  return {
    keys: Array.from({ length: rounds }, (_, round) => places.flatMap((place) => keyOfRound(place, round))).flat(),
    standby: places.flatMap((place) => (lesserShare(place) === 0 ? place.slice(1) : place.slice(2))),
  };
}

/** A key that is alone in its place has all of it, whatever its share was. */
function lesserShare([, second]: readonly ChannelKey[]): number {
  return second?.share ?? 0;
}

function keyOfRound(place: readonly ChannelKey[], round: number): readonly ChannelKey[] {
  const share = lesserShare(place);
  const isLesser = Math.floor(((round + 1) * share) / WHOLE) > Math.floor((round * share) / WHOLE);
  return isLesser ? place.slice(1, 2) : place.slice(0, 1);
}

function commonDivisor(one: number, other: number): number {
  return other === 0 ? one : commonDivisor(other, one % other);
}
