// Who was asked in: until when he may come, and for those who may ask, that it is sent again or taken back.
import { Badge, Button, Table } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, told } from '../api/client.ts';
import { type Invitation, invitationsQuery } from '../api/organization-questions.ts';
import { useWords } from '../messages/language.ts';
import { Moment } from './moment.tsx';
import { ProblemNote } from './problem-note.tsx';
import { WideTable } from './wide-table.tsx';

interface InvitationTable {
  readonly orgId: string;
  readonly mayInvite: boolean;
  readonly invitations: readonly Invitation[];
}

export function InvitationTable({ orgId, mayInvite, invitations }: InvitationTable) {
  const t = useWords();
  const { again, withdraw, thrown } = useInvitations(orgId);
  return (
    <>
      <ProblemNote thrown={thrown} />
      <WideTable label={t('team.invitations')} minWidth={560}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('team.email')}</Table.Th>
            <Table.Th>{t('team.role')}</Table.Th>
            <Table.Th>{t('team.until')}</Table.Th>
            <Table.Th>
              <span className="only-heard">{t('keys.actions')}</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {invitations.map((invitation) => (
            <Table.Tr key={invitation.id}>
              <Table.Td className="key-name">{invitation.email}</Table.Td>
              <Table.Td>{t(`join.role.${invitation.role}`)}</Table.Td>
              <Table.Td>
                {invitation.state === 'expired' ? (
                  <Badge color="gray">{t('team.expired')}</Badge>
                ) : (
                  <Moment at={invitation.validUntil} />
                )}
              </Table.Td>
              <Table.Td className="row-actions">
                {mayInvite ? <Actions invitation={invitation} again={again} withdraw={withdraw} /> : null}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
    </>
  );
}

interface Actions {
  readonly invitation: Invitation;
  again(invitation: Invitation): void;
  withdraw(invitation: Invitation): void;
}

function Actions({ invitation, again, withdraw }: Actions) {
  const t = useWords();
  const { email } = invitation;
  return (
    <>
      <Button variant="subtle" size="xs" aria-label={t('team.again.one', { email })} onClick={() => again(invitation)}>
        {t('team.again.verb')}
      </Button>
      {invitation.state === 'open' ? (
        <Button
          variant="subtle"
          size="xs"
          color="red"
          aria-label={t('team.withdraw.one', { email })}
          onClick={() => withdraw(invitation)}
        >
          {t('team.withdraw.verb')}
        </Button>
      ) : null}
    </>
  );
}

function useInvitations(orgId: string) {
  const queries = useQueryClient();
  const onSettled = () => queries.invalidateQueries(invitationsQuery(orgId));
  // A new one takes the place of the one before: at no moment are both good, or none.
  const again = useMutation({
    mutationFn: ({ email, role }: Invitation) => {
      const asked = { params: { path: { orgId } }, body: { email, role } };
      return told(api.POST('/api/v1/organizations/{orgId}/invitations', asked));
    },
    onSettled,
  });
  const withdraw = useMutation({
    mutationFn: ({ id }: Invitation) => {
      const asked = { params: { path: { orgId, id } }, body: {} };
      return told(api.POST('/api/v1/organizations/{orgId}/invitations/{id}/withdraw', asked));
    },
    onSettled,
  });
  return { again: again.mutate, withdraw: withdraw.mutate, thrown: again.error ?? withdraw.error };
}
