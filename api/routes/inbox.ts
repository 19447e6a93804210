// One queue of all that waits for a person of ours. Whoever reads it sees what he may see to, and of that what he himself may not decide, and why;
// and he says what he has in hand, which holds nobody off (D103).
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { type Claim, claim, giveBack, type Waiting } from '../../services/inbox/claims.ts';
import { line } from './field-schemas.ts';
import { InboxItem, type Item, itemKind, waitingFor } from './inbox-items.ts';
import { requirePerson } from './proposals.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const byItem = z.object({ kind: itemKind, id: line(100) });

export function inboxRoutes(routes: () => readonly Route[]): readonly Route[] {
  return [
    adminRead({
      path: '/api/v1/inbox',
      permission: 'inbox.read',
      summary: 'All that waits for a person of ours, as far as one may see to it; what is due first comes first',
      params: none,
      query: none,
      response: z.object({ data: z.array(InboxItem).readonly() }),
      handler: async (reader, { db, timeMs }) => ({ data: await waitingFor(reader, db, routes(), timeMs()) }),
    }),
    claimChange(routes, {
      verb: 'claim',
      summary: 'Say that one has it in hand, for two hours from now; it grants nothing, and holds nobody off',
      action: 'inbox.claimed',
      change: claim,
    }),
    claimChange(routes, {
      verb: 'give-back',
      summary: 'Say that one does not have it in hand any more',
      action: 'inbox.given_back',
      change: giveBack,
    }),
  ];
}

interface ClaimChange {
  readonly verb: string;
  readonly summary: string;
  readonly action: string;
  /** Answers who has it now; null: nobody. */
  change(tx: PoolClient, item: Waiting, personId: string): Promise<Claim | null>;
}

function claimChange(routes: () => readonly Route[], { verb, summary, action, change: changed }: ClaimChange): Route {
  return adminChange({
    method: 'post',
    path: `/api/v1/inbox/{kind}/{id}/${verb}`,
    permission: 'inbox.claim',
    summary,
    params: byItem,
    body: none,
    response: InboxItem,
    handler: async ({ params: { kind, id }, ...claimant }, { db, timeMs }, change) => {
      const item = itemIn(await waitingFor(claimant, db, routes(), timeMs()), kind, id);
      const { personId } = requirePerson(claimant.person);
      const audit = { action, targetKind: 'inbox_item', targetId: `${kind}:${id}`, after: {} } as const;
      return change(async (tx) => ({ answer: { ...item, claim: await changed(tx, item, personId) }, audit }));
    },
  });
}

/** @throws TollgateError not_found: it waits for nobody, or not for him */
function itemIn(items: readonly Item[], kind: Item['kind'], id: string): Item {
  const found = items.find((item) => item.kind === kind && item.id === id);
  if (found !== undefined) return found;
  throw new TollgateError('not_found', {
    message: `No ${kind} ${id} waits for you: somebody has seen to it, or it is not yours to see to.`,
  });
}
