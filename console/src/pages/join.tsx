// Whoever was invited joins an organization, by the link of the mail: he says so himself, since mail servers open links as well.
import { Alert, Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api, told } from '../api/client.ts';
import { Problem } from '../api/problem.ts';
import { invitationQuery, useMe } from '../api/questions.ts';
import { enter } from '../enter.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';

export function Join() {
  const t = useWords();
  const { invitation: linkToken } = useParams({ from: '/signed-in/join/$invitation' });
  const question = useQuery(invitationQuery(linkToken));
  const accept = useMutation({
    mutationFn: () =>
      told(api.POST('/api/v1/invitations/{token}/accept', { params: { path: { token: linkToken } }, body: {} })),
    onSuccess: ({ orgId }) => enter(`/o/${orgId}`),
  });
  return (
    <>
      <PageHeading title={t('join.title')} />
      <div className="part">
        <Asked question={question} height={120}>
          {({ orgName, role, state }) => (
            <div className="form">
              <p>{t(`join.${state}`, { orgName, role: t(`join.role.${role}`) })}</p>
              <Refusal thrown={accept.error} />
              {state === 'open' ? (
                <div className="form-end">
                  <Button loading={accept.isPending} onClick={() => accept.mutate()}>
                    {t('join.accept')}
                  </Button>
                </div>
              ) : null}
            </div>
          )}
        </Asked>
      </div>
    </>
  );
}

/** That he may not is no matter of his role here: the mail was sent to somebody else. */
function Refusal({ thrown }: { readonly thrown: unknown }) {
  const t = useWords();
  const { email } = useMe();
  const isForeign = thrown instanceof Problem && thrown.code === 'forbidden';
  return isForeign ? <Alert color="red">{t('join.foreign', { email })}</Alert> : <ProblemNote thrown={thrown} />;
}
