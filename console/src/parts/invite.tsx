// Asks somebody into the organization by mail.
import { Button, NativeSelect } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { api, told } from '../api/client.ts';
import { invitationsQuery } from '../api/organization-questions.ts';
import { useMe } from '../api/questions.ts';
import { isMailAddress } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { type Role, roleIn, rolesToGive } from '../rights.ts';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { MailInput } from './mail-input.tsx';

interface Invite {
  readonly orgId: string;
  readonly opened: boolean;
  close(): void;
}

export function Invite({ orgId, opened, close }: Invite) {
  const t = useWords();
  return (
    <Dialog opened={opened} close={close} title={t('team.invite')}>
      <InviteForm orgId={orgId} done={close} />
    </Dialog>
  );
}

function InviteForm({ orgId, done }: { readonly orgId: string; done(): void }) {
  const t = useWords();
  const queries = useQueryClient();
  const roles = rolesToGive(roleIn(useMe(), orgId));
  const form = useForm({
    initial: { email: '', role: 'developer' as Role },
    keptAs: `invite:${orgId}`,
    check: ({ email }) => ({ email: isMailAddress(email) ? null : t('fields.email') }),
    send: ({ email, role }) => {
      const body = { email: email.trim(), role };
      return told(api.POST('/api/v1/organizations/{orgId}/invitations', { params: { path: { orgId } }, body }));
    },
    done: async () => {
      await queries.invalidateQueries(invitationsQuery(orgId));
      done();
    },
  });
  return (
    <Form
      form={form}
      submit={t('team.send')}
      beside={
        <Button variant="default" onClick={done}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <MailInput input={form.input('email')} autoComplete="email" />
      <NativeSelect
        {...form.input('role')}
        label={t('team.role')}
        description={t(`team.may.${form.values.role}`)}
        data={roles.map((role) => ({ value: role, label: t(`join.role.${role}`) }))}
      />
      <p className="quiet">{t('team.inviteMore')}</p>
    </Form>
  );
}
