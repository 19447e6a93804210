// The packs of credit that are sold, by the names by which they are asked for. What one of them was when somebody asked for it is
// frozen on the payment.
import { PACKS, type Pack } from '../../domain/plans.ts';

const PAID_CENTS = { pack_10: 1_000, pack_50: 5_000, pack_100: 10_000 } as const;

export const PACK_IDS = ['pack_10', 'pack_50', 'pack_100'] as const satisfies readonly (keyof typeof PAID_CENTS)[];
export type PackId = (typeof PACK_IDS)[number];

export function packOf(id: PackId): Pack {
  const pack = PACKS.find(({ paidCents }) => paidCents === PAID_CENTS[id]);
  if (pack === undefined) throw new Error(`${id} is not sold`);
  return pack;
}
