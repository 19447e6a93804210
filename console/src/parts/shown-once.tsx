// A secret, the one time that it is shown, to be taken along as it is or as lines of an environment.
import { Alert } from '@mantine/core';
import { useWords } from '../messages/language.ts';
import { CopyButton } from './copy-button.tsx';
import { WarningIcon } from './icons.tsx';

export const BASE_URL = `${location.origin}/v1`;

/** Null: it was shown to a try whose answer got lost on its way. */
export function ShownOnce({ secret }: { readonly secret: string | null }) {
  const t = useWords();
  if (secret === null) return <Alert color="red">{t('secret.lost')}</Alert>;
  const environment = `OPENAI_BASE_URL=${BASE_URL}\nOPENAI_API_KEY=${secret}`;
  return (
    <div className="shown-once">
      <Alert color="yellow" icon={<WarningIcon />}>
        {t('secret.once')}
      </Alert>
      <code className="secret" data-testid="secret">
        {secret}
      </code>
      <div className="form-end">
        <CopyButton text={secret} label={t('secret.copy')} />
        <CopyButton text={environment} label={t('secret.copyEnvironment')} />
      </div>
    </div>
  );
}
