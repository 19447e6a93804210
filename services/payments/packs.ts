// The packs of credit that are sold. What one of them was when somebody asked for it is frozen on the payment.
import { type Nano, nano } from '../../domain/nano.ts';

const NANO_PER_DOLLAR = 1_000_000_000n;

export interface Pack {
  readonly amountCents: number;
  readonly creditNano: Nano;
  /** Ends twelve months after it was paid; what was paid for does not end. */
  readonly bonusNano: Nano;
}

export const PACK_IDS = ['pack_10', 'pack_50', 'pack_100'] as const;
export type PackId = (typeof PACK_IDS)[number];

export const PACKS: { readonly [P in PackId]: Pack } = {
  pack_10: pack(10, 0n),
  pack_50: pack(50, 5n),
  pack_100: pack(100, 15n),
};

function pack(dollars: number, bonusDollars: bigint): Pack {
  return {
    amountCents: dollars * 100,
    creditNano: nano(BigInt(dollars) * NANO_PER_DOLLAR),
    bonusNano: nano(bonusDollars * NANO_PER_DOLLAR),
  };
}
