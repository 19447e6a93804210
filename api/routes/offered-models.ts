// Which models an organization may bind its API keys to, for whoever makes one on a page: a program asks GET /v1/models with the key itself.
import { z } from 'zod';
import { organization } from '../../services/organizations/organizations.ts';
import { planVersion } from '../../services/plans/plan-versions.ts';
import { uuid } from './field-schemas.ts';
import { offeredUnder } from './model-lists.ts';
import { adminRead, none, type Route } from './route.ts';

export const offeredModelRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/organizations/{orgId}/models',
    permission: 'organization.read',
    of: ({ params }) => params,
    summary: 'The models that are sold now and that the plan of an organization includes',
    params: z.object({ orgId: uuid }),
    query: none,
    response: z.object({ data: z.array(z.object({ id: z.string(), name: z.string() })).readonly() }),
    async handler({ params }, app) {
      const { planVersionId } = await organization(app.db, params.orgId);
      const plan = planVersionId === null ? null : await planVersion(app.db, planVersionId);
      const offered = offeredUnder(app, plan?.models ?? 'all');
      return { data: offered.map(({ id, displayName }) => ({ id, name: displayName })) };
    },
  }),
];
