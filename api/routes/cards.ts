// The cards of an organization, and the pages of Stripe on which they are left, changed and removed.
import { z } from 'zod';
import { organization } from '../../services/organizations/organizations.ts';
import { openCardSetup, openPortal } from '../../services/payments/card-setups.ts';
import { listCards } from '../../services/payments/cards.ts';
import { billingPageOf } from '../../services/payments/checkouts.ts';
import { newId } from '../../services/platform/ids.ts';
import { instant, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { deskOf } from './payment-desk.ts';
import { adminChange, adminRead, type Route } from './route.ts';

const Card = z
  .object({
    id: uuid,
    brand: z.string(),
    last4: z.string(),
    expMonth: z.int(),
    expYear: z.int(),
    isDefault: z.boolean().meta({ description: 'The one that is asked for money' }),
    attachedAt: instant,
  })
  .meta({ id: 'Card' });

const StripePage = z
  .object({ url: z.url().meta({ description: 'A page of Stripe, for the eyes of this organization only' }) })
  .meta({ id: 'StripePage' });

const ofOrganization = z.object({ orgId: uuid });
const cards = { name: 'cards', position: uuid, positionOf: ({ id }: { id: string }) => id };

export const cardRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/organizations/{orgId}/cards',
    permission: 'card.read',
    of: ({ params }) => params,
    summary: 'Cards of an organization, newest first',
    params: ofOrganization,
    query: z.strictObject(pageQuery),
    response: pageOf(Card),
    handler: async ({ params, query }, { db }) => {
      const { id } = await organization(db, params.orgId);
      return onePage(cards, query, (after, pageSize) => listCards(db, id, after, pageSize));
    },
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/card-setups',
    permission: 'card.change',
    of: ({ params }) => params,
    summary: 'Where to leave a card; the page that is open already, if there is one',
    params: ofOrganization,
    status: 201,
    reachesOutside: true,
    body: z.strictObject({}),
    response: StripePage,
    handler: async ({ params }, app, change) => {
      const { stripe, publicUrl } = deskOf(app);
      const returnUrl = billingPageOf(publicUrl, params.orgId);
      const { id, url } = await openCardSetup({ db: app.db, stripe }, params.orgId, returnUrl);
      return change(async () => ({
        answer: { url },
        audit: {
          action: 'card_setup.opened',
          targetKind: 'organization',
          targetId: params.orgId,
          after: { cardSetupId: id },
        },
      }));
    },
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/portal',
    permission: 'card.change',
    of: ({ params }) => params,
    summary: 'Where the organization changes and removes its cards; good for a few minutes',
    params: ofOrganization,
    status: 201,
    reachesOutside: true,
    body: z.strictObject({}),
    response: StripePage,
    handler: async ({ params }, app, change) => {
      const { stripe, publicUrl } = deskOf(app);
      const visitId = newId();
      const url = await openPortal({ db: app.db, stripe, publicUrl }, params.orgId, visitId);
      return change(async () => ({
        answer: { url },
        audit: { action: 'portal.opened', targetKind: 'organization', targetId: params.orgId, after: { visitId } },
      }));
    },
  }),
];
