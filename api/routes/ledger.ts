// The ledger of an organization, as it is shown to it: what came in, what was used, and what there was after each.
import { z } from 'zod';
import { listStatement } from '../../services/ledger/statement.ts';
import { organization } from '../../services/organizations/organizations.ts';
import { instant, money, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { adminRead, type Route } from './route.ts';

const LedgerLine = z
  .object({
    id: z.string(),
    at: instant,
    kind: z.enum(['usage', 'payment', 'grant', 'refund', 'refund_failed', 'expiry']),
    amountNano: money.meta({ description: 'Above zero: it came in' }),
    balanceAfterNano: money.meta({ description: 'Of the newest line: balanceNano and lockedNano of the balance' }),
    belongsTo: z.object({ kind: z.enum(['request', 'payment', 'grant']), id: uuid }).nullable(),
    grantSource: z.enum(['trial', 'included', 'promo', 'bonus', 'pack', 'manual', 'credit_line']).nullable(),
  })
  .meta({ id: 'LedgerLine' });

/** The number of a transaction, and of many requests in it one. */
const place = z.string().regex(/^\d{1,18}(\.[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12})?$/);
const ledger = { name: 'ledger', position: place, positionOf: ({ id }: { id: string }) => id };

export const ledgerRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/organizations/{orgId}/ledger',
    permission: 'ledger.read',
    of: ({ params }) => params,
    summary: 'What the credit of an organization was moved by, newest first, with what there was after it',
    params: z.object({ orgId: uuid }),
    query: z.strictObject(pageQuery),
    response: pageOf(LedgerLine),
    handler: async ({ params, query }, { db }) => {
      const { id } = await organization(db, params.orgId);
      return onePage(ledger, query, (after, pageSize) => listStatement(db, id, after, pageSize));
    },
  }),
];
