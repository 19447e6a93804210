// Passkeys: signed in with, and one's own: added, named and removed. The options that a browser is given, and what it answers, are WebAuthn's.
import { z } from 'zod';
import { requireOpenAccount } from '../../services/accounts/closings.ts';
import { PASSKEY_CHALLENGE_VALID_S, spendChallenge } from '../../services/accounts/passkey-challenges.ts';
import { ALGORITHMS, madePasskey } from '../../services/accounts/passkey-proofs.ts';
import {
  addPasskey,
  credentialIdsOf,
  holdPasskey,
  LONGEST_PASSKEY_NAME,
  passkeysOf,
  provenPasskey,
  removePasskey,
  renamePasskey,
  SIGN_IN,
  takePasskey,
  userHandleOf,
} from '../../services/accounts/passkeys.ts';
import { checkProof, takeProof } from '../../services/accounts/proofs.ts';
import { bindSession, endOtherSessions, type SignedIn } from '../../services/accounts/sessions.ts';
import { openSession } from '../../services/accounts/sign-ins.ts';
import { person as personRow } from '../../services/people/persons.ts';
import { auditBypass, requireOtherWay, requireOtherWayThan } from '../../services/single-sign-on/enforcement.ts';
import { proof } from './account-fields.ts';
import { instant, line, uuid } from './field-schemas.ts';
import { personChange, personRead, visitorChange, visitorRead } from './person-route.ts';
import { none, type Route } from './route.ts';

const TIMEOUT_MS = PASSKEY_CHALLENGE_VALID_S * 1_000;

const base64url = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/^[\w-]+$/, 'base64url');
const credentialId = base64url(1_400);
const passkeyName = line(LONGEST_PASSKEY_NAME);
const Credential = z.object({ type: z.literal('public-key'), id: z.string() });

const Passkey = z
  .object({
    id: uuid,
    name: z.string(),
    createdAt: instant,
    usedAt: instant.nullable(),
    isCopied: z.boolean().meta({ description: 'A copy of it was used: it opens nothing any more' }),
  })
  .meta({ id: 'Passkey' });

const target = (targetId: string) => ({ targetKind: 'person', targetId }) as const;
/** What a challenge that adds one was made for: whoever proved that it is he, in this session. */
const addingBy = ({ personId, sessionId }: SignedIn) => `add:${personId}:${sessionId}`;

const asking = visitorRead({
  path: '/api/v1/sign-ins/passkey',
  summary:
    'What a passkey has to sign to sign in, in this browser and within five minutes (WebAuthn); says nothing of anybody',
  response: z.object({
    challenge: z.string(),
    rpId: z.string(),
    timeout: z.int(),
    userVerification: z.literal('required'),
  }),
  async handler({ accounts: { passkeyChallenges, relyingParty, cookies } }) {
    const { challenge, secret } = passkeyChallenges.open(SIGN_IN, Date.now());
    return {
      answer: { challenge, rpId: relyingParty.id, timeout: TIMEOUT_MS, userVerification: 'required' } as const,
      cookies: [cookies.set(cookies.passkey, secret, PASSKEY_CHALLENGE_VALID_S)],
    };
  },
});

const signingIn = visitorChange({
  path: '/api/v1/sign-ins/passkey',
  summary: 'Sign in by a passkey: two factors by itself, so no code is asked for',
  params: none,
  body: z.strictObject({
    id: credentialId,
    clientDataJSON: base64url(4_096),
    authenticatorData: base64url(4_096),
    signature: base64url(4_096),
    userHandle: base64url(100),
  }),
  response: z.object({ state: z.literal('signed_in') }),
  async handler({ body, visit, author }, { db, accounts }, change) {
    const { cookies } = accounts;
    const proven = await provenPasskey(db, accounts, cookies.valueOf(cookies.passkey, visit.cookie), body, Date.now());
    await takePasskey(db, author, proven);
    return change(async (tx) => {
      await holdPasskey(tx, proven);
      await requireOpenAccount(tx, proven.personId);
      await requireOtherWay(tx, proven.personId);
      await requireOtherWayThan(tx, proven.identityId);
      const { sessionId, cookie } = await openSession(tx, accounts, proven.personId, visit);
      if (proven.identityId !== null) await bindSession(tx, sessionId, proven.identityId);
      await auditBypass(tx, author, proven.personId);
      return {
        answer: { state: 'signed_in' } as const,
        cookies: [cookie, cookies.set(cookies.passkey, '')],
        audit: { action: 'person.signed_in', ...target(proven.personId), after: { sessionId, passkeyId: proven.id } },
      };
    });
  },
});

const list = personRead({
  path: '/api/v1/me/passkeys',
  summary: 'One’s passkeys, the oldest first',
  params: none,
  query: none,
  response: z.object({ data: z.array(Passkey).readonly() }),
  handler: async ({ person: { personId } }, { db }) => ({ data: await passkeysOf(db, personId) }),
});

const beginning = personChange({
  method: 'post',
  path: '/api/v1/me/passkeys',
  summary: 'Begin to add a passkey: what a device is to make it of, in this session and within five minutes (WebAuthn)',
  params: none,
  body: z.strictObject(proof),
  response: z.object({
    challenge: z.string(),
    rp: z.object({ id: z.string(), name: z.string() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    pubKeyCredParams: z.array(z.object({ type: z.literal('public-key'), alg: z.int() })),
    authenticatorSelection: z.object({
      residentKey: z.literal('required'),
      requireResidentKey: z.literal(true),
      userVerification: z.literal('required'),
    }),
    excludeCredentials: z.array(Credential),
    attestation: z.literal('none'),
    timeout: z.int(),
  }),
  async handler({ body, person, visit }, { db, accounts }, change) {
    const { personId } = person;
    await checkProof(db, accounts, person, body, visit);
    const { cookies, relyingParty, passkeyChallenges } = accounts;
    return change(async (tx) => {
      await takeProof(tx, accounts, person, body, visit);
      const { challenge, secret } = passkeyChallenges.open(addingBy(person), Date.now());
      const { email, name } = await personRow(tx, personId);
      const known = await credentialIdsOf(tx, personId);
      const answer = {
        challenge,
        rp: { id: relyingParty.id, name: relyingParty.name },
        user: { id: userHandleOf(personId), name: email, displayName: name },
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg }) as const),
        authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
        excludeCredentials: known.map((id) => ({ type: 'public-key', id }) as const),
        attestation: 'none',
        timeout: TIMEOUT_MS,
      } as const;
      return {
        answer,
        cookies: [cookies.set(cookies.passkey, secret, PASSKEY_CHALLENGE_VALID_S)],
        audit: { action: 'person.passkey_begun', ...target(personId), after: {} },
      };
    });
  },
});

const confirming = personChange({
  method: 'post',
  path: '/api/v1/me/passkeys/confirm',
  summary: 'Have the passkey that a device has made',
  params: none,
  body: z.strictObject({
    name: passkeyName,
    id: credentialId,
    clientDataJSON: base64url(4_096),
    attestationObject: base64url(16_384),
  }),
  response: Passkey,
  async handler({ body: { name, ...made }, person, visit }, { accounts }, change) {
    const { cookies, passkeyChallenges, relyingParty } = accounts;
    const secret = cookies.valueOf(cookies.passkey, visit.cookie);
    const challenge = passkeyChallenges.challengeOf(secret, addingBy(person), Date.now());
    const passkey = await madePasskey(relyingParty, challenge, made);
    return change(async (tx) => {
      await spendChallenge(tx, challenge);
      const answer = await addPasskey(tx, person, name, passkey);
      const audit = { action: 'person.passkey_added', ...target(person.personId), after: { passkeyId: answer.id } };
      return { answer, cookies: [cookies.set(cookies.passkey, '')], audit };
    });
  },
});

const renaming = personChange({
  method: 'patch',
  path: '/api/v1/me/passkeys/{id}',
  summary: 'Call one of one’s passkeys otherwise',
  params: z.object({ id: uuid }),
  body: z.strictObject({ name: passkeyName }),
  response: Passkey,
  handler: ({ params: { id }, body: { name }, person: { personId } }, _app, change) =>
    change(async (tx) => {
      const answer = await renamePasskey(tx, personId, id, name);
      return { answer, audit: { action: 'person.passkey_renamed', ...target(personId), after: { passkeyId: id } } };
    }),
});

const removing = personChange({
  method: 'post',
  path: '/api/v1/me/passkeys/{id}/remove',
  summary: 'Have a passkey no more; other sessions end, as one of them may be its',
  params: z.object({ id: uuid }),
  body: z.strictObject(proof),
  response: z.object({}),
  async handler({ params: { id }, body, person, visit }, { db, accounts }, change) {
    const { personId, sessionId } = person;
    await checkProof(db, accounts, person, body, visit);
    return change(async (tx) => {
      await takeProof(tx, accounts, person, body, visit);
      await removePasskey(tx, personId, id);
      await endOtherSessions(tx, personId, sessionId);
      return { answer: {}, audit: { action: 'person.passkey_removed', ...target(personId), after: { passkeyId: id } } };
    });
  },
});

export const passkeyRoutes: readonly Route[] = [asking, signingIn, list, beginning, confirming, renaming, removing];
