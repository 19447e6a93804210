// Whom an enterprise lets say who its people are: its owner names it, and we say for which mail domains it may speak.
import { z } from 'zod';
import { proveBeside } from '../../services/accounts/proofs.ts';
import { lockedOrganization, organization } from '../../services/organizations/organizations.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import {
  changeProvider,
  type IdentityProvider,
  identityProvider,
  JIT_ROLES,
} from '../../services/single-sign-on/identity-providers.ts';
import {
  confirmDomain,
  mailDomainsOf,
  suggestedDomain,
  takeBackDomain,
} from '../../services/single-sign-on/mail-domains.ts';
import { proof } from './account-fields.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { instant, line, reason, uuid } from './field-schemas.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const jitRole = z.enum(JIT_ROLES).nullable();

const SingleSignOn = z
  .object({
    orgId: uuid,
    issuer: z.string().nullable().meta({ description: 'null: the organization has no provider' }),
    clientId: z.string().nullable(),
    jitRole: jitRole.meta({
      description: 'As what somebody of a confirmed domain comes in uninvited; null: he does not',
    }),
    enforced: z.boolean().meta({ description: 'Members who are no owners come in no other way' }),
    testedAt: instant.nullable().meta({ description: 'When an owner came in through it, as it is now' }),
    allowLocal: z.boolean().meta({ description: 'It may be in the operator’s own network' }),
    version: z.int().meta({ description: 'Also in the ETag; send it back in If-Match' }),
    redirectUri: z.string().meta({ description: 'What the provider has to know as the client’s' }),
    mailDomains: z.array(z.object({ domain: z.string(), confirmedAt: instant })).readonly(),
    suggestedDomain: z.string().nullable().meta({ description: 'Of its application, and not confirmed' }),
  })
  .meta({ id: 'SingleSignOn' });

const issuer = z
  .url({ protocol: /^https?$/, error: 'write the issuer’s URL as in "https://login.example.com"' })
  .max(1_000)
  .refine((text) => !/[?#]|\/\.well-known\//.test(text), 'the issuer alone, without what is found below it');
const domain = z.string().trim().max(253).regex(z.regexes.domain, 'write a domain as in "example.com"').toLowerCase();

const ofOrganization = z.object({ orgId: uuid });
const target = (orgId: string) => ({ targetKind: 'single_sign_on', targetId: orgId }) as const;

export const identityProviderRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/organizations/{orgId}/single-sign-on',
    permission: 'single_sign_on.read',
    of: ({ params }) => params,
    summary: 'By whose word an organization’s people come in, and for which mail domains that is good',
    params: ofOrganization,
    query: none,
    response: SingleSignOn,
    handler: async ({ params: { orgId } }, app) => {
      await organization(app.db, orgId);
      return told(app.db, orgId, app);
    },
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/organizations/{orgId}/single-sign-on',
    permission: 'single_sign_on.change',
    of: ({ params }) => params,
    staffFields: ['allowLocal'],
    summary: 'Name an enterprise’s provider, or null for none, and whom it lets in; an owner proves that it is he',
    ifMatch: 'required',
    params: ofOrganization,
    body: z.strictObject({
      issuer: issuer.nullable().optional(),
      clientId: line(500).optional(),
      clientSecret: line(1_000).optional().meta({ description: 'Sealed, and never told again' }),
      jitRole: jitRole.optional(),
      enforced: z.boolean().optional(),
      allowLocal: z.boolean().optional(),
      ...proof,
    }),
    response: SingleSignOn,
    async handler({ params: { orgId }, body, person, author, ifMatch }, app, change) {
      const { password, code, ...wanted } = body;
      const seen = await identityProvider(app.db, orgId);
      requireSeen(ifMatch, seen);
      const { clientAddress = '' } = author;
      if (person !== null) await proveBeside(app.accounts, person, { password, code }, { clientAddress });
      const { issuer: named = seen.issuer, clientId = seen.clientId, allowLocal = seen.allowLocal } = wanted;
      const isNamed = wanted.issuer !== undefined || wanted.clientId !== undefined;
      if (isNamed && named !== null) await app.singleSignOn.openId.requireProvider(named, clientId ?? '', allowLocal);
      return change(async (tx) => {
        await lockedOrganization(tx, orgId);
        const before = await identityProvider(tx, orgId);
        requireSeen(ifMatch, before);
        const after = await changeProvider(tx, app.vault, before, wanted);
        const audit = {
          action: 'single_sign_on.changed',
          ...target(orgId),
          before: shown(before),
          after: shown(after),
        };
        const isSecretNew = wanted.clientSecret !== undefined;
        return {
          answer: await told(tx, orgId, app),
          audit: { ...audit, after: { ...audit.after, isSecretNew } },
        };
      });
    },
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/mail-domains',
    permission: 'mail_domain.confirm',
    summary: 'Say that a mail domain is an enterprise’s: from then on its provider may speak for addresses of it',
    params: ofOrganization,
    status: 201,
    body: z.strictObject({ domain, reason }),
    response: SingleSignOn,
    handler: ({ params: { orgId }, body, actor }, app, change) =>
      change(async (tx) => {
        await confirmDomain(tx, orgId, body.domain, actor);
        const audit = { action: 'mail_domain.confirmed', ...target(orgId), after: { domain: body.domain } };
        return { answer: await told(tx, orgId, app), audit: { ...audit, reason: body.reason } };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/mail-domains/{domain}/take-back',
    permission: 'mail_domain.confirm',
    summary: 'Nobody new comes in by addresses of this domain; without any nobody is held to the provider',
    params: ofOrganization.extend({ domain }),
    body: z.strictObject({ reason }),
    response: SingleSignOn,
    handler: ({ params: { orgId, domain: gone }, body }, app, change) =>
      change(async (tx) => {
        await takeBackDomain(tx, orgId, gone);
        const audit = { action: 'mail_domain.taken_back', ...target(orgId), after: { domain: gone } };
        return { answer: await told(tx, orgId, app), audit: { ...audit, reason: body.reason } };
      }),
  }),
];

async function told(
  db: Queryable,
  orgId: string,
  { singleSignOn }: AppDependencies,
): Promise<z.output<typeof SingleSignOn>> {
  return {
    ...(await identityProvider(db, orgId)),
    redirectUri: singleSignOn.openId.redirectUriOf(orgId),
    mailDomains: await mailDomainsOf(db, orgId),
    suggestedDomain: await suggestedDomain(db, orgId),
  };
}

function shown({ issuer: named, clientId, jitRole: role, enforced, testedAt, allowLocal }: IdentityProvider) {
  return { issuer: named, clientId, jitRole: role, enforced, testedAt, allowLocal };
}
