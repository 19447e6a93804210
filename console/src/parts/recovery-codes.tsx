// The codes for the day on which the device is gone, shown once.
import { Alert, Button } from '@mantine/core';
import { useWords } from '../messages/language.ts';
import { CopyButton } from './copy-button.tsx';
import { WarningIcon } from './icons.tsx';

interface RecoveryCodes {
  readonly recoveryCodes: readonly string[];
  kept(): void;
}

export function RecoveryCodes({ recoveryCodes, kept }: RecoveryCodes) {
  const t = useWords();
  return (
    <div className="form">
      <Alert color="yellow" icon={<WarningIcon />}>
        {t('factor.codesOnce')}
      </Alert>
      <ol className="recovery-codes">
        {recoveryCodes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div className="form-end">
        <Button onClick={kept}>{t('factor.codesKept')}</Button>
        <CopyButton text={recoveryCodes.join('\n')} label={t('factor.copyCodes')} />
      </div>
    </div>
  );
}
