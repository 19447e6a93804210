// What a person declares to be nobody's fault among the customers: a bank that is away, mails that did not go out.
import { z } from 'zod';
import { declareIncident, endIncident, listIncidents } from '../../services/dunning/billing-incidents.ts';
import { instant, line, reason, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const Incident = z
  .object({ id: uuid, what: z.string(), fromAt: instant, toAt: instant.nullable(), declaredBy: z.string() })
  .meta({ id: 'BillingIncident' });

const incidents = { name: 'billing_incidents', position: uuid, positionOf: ({ id }: { id: string }) => id };

export const billingIncidentRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/billing-incidents',
    permission: 'billing_incident.read',
    summary: 'Times for which no customer answers, newest first',
    params: none,
    query: z.strictObject(pageQuery),
    response: pageOf(Incident),
    handler: ({ query }, { db }) => onePage(incidents, query, (after, pageSize) => listIncidents(db, after, pageSize)),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/billing-incidents',
    permission: 'billing_incident.declare',
    summary: 'From now on nobody is limited, stopped or reminded; the time is added to every deadline',
    params: none,
    status: 201,
    body: z.strictObject({ what: line(500) }),
    response: Incident,
    handler: ({ body, actor }, _app, change) =>
      change(async (tx) => {
        const answer = await declareIncident(tx, body.what, actor);
        const audit = {
          action: 'billing_incident.declared',
          targetKind: 'billing_incident',
          targetId: answer.id,
        } as const;
        return { answer, audit: { ...audit, after: answer } };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/billing-incidents/{id}/end',
    permission: 'billing_incident.declare',
    summary: 'Deadlines run again from here',
    params: z.object({ id: uuid }),
    body: z.strictObject({ reason }),
    response: Incident,
    handler: ({ params, body }, _app, change) =>
      change(async (tx) => {
        const answer = await endIncident(tx, params.id);
        const audit = {
          action: 'billing_incident.ended',
          targetKind: 'billing_incident',
          targetId: answer.id,
        } as const;
        return { answer, audit: { ...audit, after: answer, reason: body.reason } };
      }),
  }),
];
