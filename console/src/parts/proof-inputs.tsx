// That it is really him, where a session that was left open must not be enough: his password, or where he has none his provider, and the code of his app
// if he has one.
import { Alert, Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { Me } from '../api/answers.ts';
import { api, told } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { identitiesQuery, useMe } from '../api/questions.ts';
import { codeIn, LONGEST_PASSWORD } from '../entered.ts';
import { useWords, type Words } from '../messages/language.ts';
import { goToProvider } from '../sent-to-provider.ts';
import type { FieldInput } from './form.tsx';
import { ProblemNote } from './problem-note.tsx';

export const UNPROVED = { password: '', code: '' };
type Typed = typeof UNPROVED;
type Prover = Pick<Me, 'secondFactor' | 'presence'>;

export function checkProof({ password, code }: Typed, { secondFactor, presence }: Prover, t: Words) {
  return {
    password: presence.hasPassword && password === '' ? t('fields.empty') : null,
    code: !secondFactor.enrolled || codeIn(code).length === 6 ? null : t('fields.code'),
  };
}

export function proofBody({ password, code }: Typed, { secondFactor, presence }: Prover) {
  return {
    ...(presence.hasPassword ? { password } : {}),
    ...(secondFactor.enrolled ? { code: codeIn(code) } : {}),
  };
}

export function ProofInputs({ input }: { input(field: keyof Typed): FieldInput }) {
  const t = useWords();
  const { enrolled } = useMe().secondFactor;
  return (
    <>
      <PresenceInput input={input('password')} />
      {enrolled ? (
        <TextInput
          {...input('code')}
          label={t('secondFactor.code')}
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={11}
        />
      ) : null}
    </>
  );
}

export function PresenceInput({ input }: { readonly input: FieldInput }) {
  const t = useWords();
  if (!useMe().presence.hasPassword) return <ByProvider />;
  return (
    <PasswordInput
      {...input}
      label={t('password.current')}
      autoComplete="current-password"
      maxLength={LONGEST_PASSWORD}
      visibilityToggleButtonProps={{ 'aria-label': t('password.show') }}
    />
  );
}

/** He goes there and comes back to this page, where it is remembered for some minutes. */
function ByProvider() {
  const t = useWords();
  const { provedUntil } = useMe().presence;
  const go = useMutation({
    async mutationFn() {
      const [first] = (await queryClient.ensureQueryData(identitiesQuery)).data;
      return told(
        api.POST('/api/v1/me/identities/{id}/prove', { params: { path: { id: first?.id ?? '' } }, body: {} }),
      );
    },
    onSuccess: ({ url }) => goToProvider(url, location.pathname.replace(/^\/console/, '')),
  });
  if (provedUntil !== null && Date.parse(provedUntil) > Date.now()) {
    return (
      <Alert color="teal" role="note">
        {t('presence.proved')}
      </Alert>
    );
  }
  return (
    <Alert color="yellow" role="note">
      <div className="problem">
        <p>{t('presence.first')}</p>
        <ProblemNote thrown={go.error} />
        <Button size="xs" loading={go.isPending} onClick={() => go.mutate()}>
          {t('presence.prove')}
        </Button>
      </div>
    </Alert>
  );
}
