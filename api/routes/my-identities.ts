// By whose providers somebody comes in: which know him, another one, and that it is still he.
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { checkProof, takeProof } from '../../services/accounts/proofs.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import { activeRole } from '../../services/people/memberships.ts';
import { lockedPerson } from '../../services/people/persons.ts';
import { requireNotElsewhere } from '../../services/single-sign-on/enforcement.ts';
import { connectable, identitiesOf, identity, removeIdentity } from '../../services/single-sign-on/identities.ts';
import { type KnownProvider, providerOf } from '../../services/single-sign-on/identity-providers.ts';
import { proof } from './account-fields.ts';
import type { AppDependencies } from './app-dependencies.ts';
import type { Outcome } from './change.ts';
import { instant, uuid } from './field-schemas.ts';
import { personChange, personRead } from './person-route.ts';
import { none, type Route } from './route.ts';
import { sendToProvider } from './send-to-provider.ts';

const Identity = z
  .object({ id: uuid, orgId: uuid, orgName: z.string(), createdAt: instant, usedAt: instant.nullable() })
  .meta({ id: 'Identity' });
const Sent = z.object({ url: z.string() });

const target = (targetId: string) => ({ targetKind: 'person', targetId }) as const;

const list = personRead({
  path: '/api/v1/me/identities',
  summary: 'Whose providers one comes in by, and whose one could',
  params: none,
  query: none,
  response: z.object({
    data: z.array(Identity).readonly(),
    connectable: z.array(z.object({ orgId: uuid, orgName: z.string() })).readonly(),
  }),
  handler: async ({ person: { personId } }, { db }) => ({
    data: await identitiesOf(db, personId),
    connectable: await connectable(db, personId),
  }),
});

const connecting = personChange({
  method: 'post',
  path: '/api/v1/me/identities',
  summary: 'Begin to come in by the provider of an organization of one’s own: where the browser goes',
  params: none,
  body: z.strictObject({ orgId: uuid, ...proof }),
  response: Sent,
  async handler({ body: { orgId, ...proved }, person, visit }, app, change) {
    requireNotElsewhere(person, orgId);
    const isMember = (await activeRole(app.db, orgId, person.personId)) !== null;
    const provider = isMember ? await providerOf(app.db, app.vault, orgId) : null;
    if (provider === null) throw noneThere(orgId);
    await checkProof(app.db, app.accounts, person, proved, visit);
    const sending = await sentTo(app, provider, person, 'connect');
    return change(async (tx) => {
      await takeProof(tx, app.accounts, person, proved, visit);
      return sending(tx);
    });
  },
});

const proving = personChange({
  method: 'post',
  path: '/api/v1/me/identities/{id}/prove',
  summary:
    'Begin to prove by one’s provider that it is still oneself, where one has no password: where the browser goes',
  params: z.object({ id: uuid }),
  body: z.strictObject({}),
  response: Sent,
  async handler({ params: { id }, person }, app, change) {
    const { orgId } = await identity(app.db, person.personId, id);
    requireNotElsewhere(person, orgId);
    const provider = await providerOf(app.db, app.vault, orgId);
    if (provider === null) throw noneThere(orgId);
    return change(await sentTo(app, provider, person, 'proof'));
  },
});

async function sentTo(
  app: AppDependencies,
  provider: KnownProvider,
  { personId, sessionId }: SignedIn,
  purpose: 'connect' | 'proof',
): Promise<(tx: PoolClient) => Promise<Outcome<{ url: string }>>> {
  const send = await sendToProvider(app, provider, { purpose, email: null, sessionId });
  const after = { orgId: provider.orgId };
  return async (tx) => ({
    ...(await send(tx)),
    audit: { action: `person.${purpose}_begun`, ...target(personId), after },
  });
}

const removing = personChange({
  method: 'post',
  path: '/api/v1/me/identities/{id}/remove',
  summary: 'Come in by a provider no more, where there is another way in; sessions that it has opened end',
  params: z.object({ id: uuid }),
  body: z.strictObject(proof),
  response: z.object({}),
  async handler({ params: { id }, body, person, visit }, { db, accounts }, change) {
    await checkProof(db, accounts, person, body, visit);
    return change(async (tx) => {
      await takeProof(tx, accounts, person, body, visit);
      const { personId } = person;
      await lockedPerson(tx, personId);
      const { orgId } = await removeIdentity(tx, personId, id);
      const what = { action: 'person.identity_removed', ...target(personId) };
      return { answer: {}, audit: { ...what, after: { orgId, identityId: id } } };
    });
  },
});

function noneThere(orgId: string): TollgateError {
  return new TollgateError('no_single_sign_on', {
    message: `Organization ${orgId} is none of yours, or has no single sign-on.`,
    param: 'orgId',
  });
}

export const myIdentityRoutes: readonly Route[] = [list, connecting, proving, removing];
