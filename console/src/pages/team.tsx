// Who works in an organization, as what and up to which cap; who was asked in and has not come yet.
import { Anchor, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import {
  invitationsQuery,
  type Member,
  memberCapsQuery,
  membersQuery,
  type Organization,
  organizationQuery,
} from '../api/organization-questions.ts';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { AddressListPart } from '../parts/address-list-part.tsx';
import { Asked } from '../parts/asked.tsx';
import { AuditPart } from '../parts/audit-part.tsx';
import { PlusIcon } from '../parts/icons.tsx';
import { InvitationTable } from '../parts/invitation-table.tsx';
import { Invite } from '../parts/invite.tsx';
import { MemberTable } from '../parts/member-table.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { SingleSignOnPart } from '../parts/single-sign-on-part.tsx';
import { mayInvite, roleIn, seesSingleSignOn } from '../rights.ts';

export function Team() {
  const t = useWords();
  const { orgId } = useParams({ from: '/signed-in/o/$orgId/team' });
  const [isInviting, setInviting] = useState(false);
  const organization = useQuery(organizationQuery(orgId));
  const members = useQuery(membersQuery(orgId));
  const caps = useQuery(memberCapsQuery(orgId));
  const role = roleIn(useMe(), orgId);
  const seats = useSeats(organization.data, members.data);
  const invite =
    mayInvite(role) && seats?.isFree === true ? (
      <Button leftSection={<PlusIcon />} onClick={() => setInviting(true)}>
        {t('team.invite')}
      </Button>
    ) : undefined;
  return (
    <>
      <PageHeading title={t('team.title')} lead={seats?.words} actions={invite} />
      {seats?.isFree === false && mayInvite(role) ? <NoSeat orgId={orgId} isAlone={seats.isAlone} /> : null}
      <section className="part keys" aria-label={t('team.members')}>
        <Asked question={members} height={160}>
          {(present) => (
            <MemberTable orgId={orgId} isOwner={role === 'owner'} members={present} caps={caps.data?.data ?? []} />
          )}
        </Asked>
      </section>
      <Invitations orgId={orgId} />
      {organization.data?.plan === 'enterprise' && seesSingleSignOn(role) ? (
        <SingleSignOnPart orgId={orgId} isOwner={role === 'owner'} />
      ) : null}
      <AddressListPart orgId={orgId} />
      <AuditPart orgId={orgId} />
      <Invite orgId={orgId} opened={isInviting} close={() => setInviting(false)} />
    </>
  );
}

interface Seats {
  readonly isFree: boolean;
  readonly isAlone: boolean;
  readonly words: string;
}

/** Null: not known yet. */
function useSeats(organization: Organization | undefined, members: readonly Member[] | undefined): Seats | null {
  const t = useWords();
  if (organization === undefined || members === undefined) return null;
  const { seats } = organization;
  const used = members.filter(({ status }) => status === 'active').length;
  const isAlone = used === 1;
  return seats === null
    ? { isFree: true, isAlone, words: t('team.unlimited', { count: used }) }
    : { isFree: used < seats, isAlone, words: t('team.seats', { count: seats, used }) };
}

/** Whoever is alone has nobody to remove. */
function NoSeat({ orgId, isAlone }: { readonly orgId: string; readonly isAlone: boolean }) {
  const t = useWords();
  return (
    <p className="quiet">
      {isAlone ? t('team.alone') : t('team.full')}{' '}
      <Anchor inherit renderRoot={(props) => <Link to="/o/$orgId/billing" params={{ orgId }} {...props} />}>
        {t('team.morePlans')}
      </Anchor>
    </p>
  );
}

/** Those that somebody may still follow, or that ran out unanswered. */
function Invitations({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const question = useQuery(invitationsQuery(orgId));
  const role = roleIn(useMe(), orgId);
  const pending = (question.data?.data ?? []).filter(({ state }) => state === 'open' || state === 'expired');
  if (pending.length === 0) return null;
  return (
    <section className="part" aria-labelledby="invitations">
      <h2 id="invitations">{t('team.invitations')}</h2>
      <InvitationTable orgId={orgId} mayInvite={mayInvite(role)} invitations={pending} />
    </section>
  );
}
