// What can be done about a place of a channel's keys while nothing is done about it: change its key, now or in an emergency, and say how old the next
// may become; and by which key we make keys at the provider.
import { PasswordInput, TextInput } from '@mantine/core';
import { api } from '../api/client.ts';
import { channelKeysKey, type KeyInventory, type KeySlot } from '../api/operations-questions.ts';
import { useWords } from '../messages/language.ts';
import { Act, Asking, type InDialog } from './act.tsx';
import type { FieldInput } from './form.tsx';

const OLDEST_DAYS = 730;
const SHORTEST_SECRET = 8;

export interface OfSlot {
  readonly inventory: KeyInventory;
  readonly slot: KeySlot;
}

/** As a screen reader tells one place from the next; of a short key no character is told. */
export function nameOfKey({ inventory: { channelName, slots }, slot }: OfSlot): string {
  const place = slots.length > 1 ? ` (${slots.findIndex(({ id }) => id === slot.id) + 1})` : '';
  return `${channelName}${place} …${slot.lastFour ?? ''}`;
}

interface Begin extends OfSlot, InDialog {
  readonly how: 'rotate' | 'emergency';
}

export function BeginChange({ how, meanwhile, close, ...of }: Begin) {
  const t = useWords();
  const { inventory, slot } = of;
  const verb = t(`channelKeys.${how}.verb`);
  const isMade = inventory.adminKeyLastFour !== null;
  return (
    <Asking
      meanwhile={meanwhile}
      close={close}
      deed={{
        ...{ about: channelKeysKey, verb, name: `${verb}: ${nameOfKey(of)}` },
        effect: `${t(`channelKeys.${how}.effect`)} ${t(`channelKeys.comes.${isMade ? 'made' : 'brought'}`)}`,
        isGrave: how === 'emergency',
        initial: {},
        send: ({ reason }, attemptId) =>
          api.POST('/api/v1/channels/{id}/key-slots/{slotId}/rotations', {
            params: { path: { id: inventory.channelId, slotId: slot.id }, header: { 'Idempotency-Key': attemptId } },
            body: { reason, emergency: how === 'emergency' },
          }),
      }}
    />
  );
}

export function SetPolicy(of: OfSlot) {
  const t = useWords();
  const { inventory, slot } = of;
  return (
    <Act
      about={channelKeysKey}
      verb={t('channelKeys.setPolicy.verb')}
      name={`${t('channelKeys.setPolicy.verb')}: ${nameOfKey(of)}`}
      title={t('channelKeys.setPolicy.title', { name: nameOfKey(of) })}
      effect={t('channelKeys.setPolicy.effect')}
      initial={{ rotateAfterDays: slot.rotateAfterDays === null ? '' : String(slot.rotateAfterDays) }}
      check={({ rotateAfterDays }) => ({
        rotateAfterDays: isAge(rotateAfterDays) ? null : t('channelKeys.setPolicy.wrong', { most: OLDEST_DAYS }),
      })}
      fields={(input) => (
        <TextInput
          {...input('rotateAfterDays')}
          label={t('channelKeys.setPolicy.days')}
          description={t('channelKeys.setPolicy.daysMore')}
          inputMode="numeric"
          autoComplete="off"
          data-autofocus
        />
      )}
      send={({ rotateAfterDays, reason }, attemptId) =>
        api.POST('/api/v1/channels/{id}/key-slots/{slotId}/policy', {
          params: { path: { id: inventory.channelId, slotId: slot.id }, header: { 'Idempotency-Key': attemptId } },
          body: { rotateAfterDays: rotateAfterDays.trim() === '' ? null : Number(rotateAfterDays), reason },
        })
      }
    />
  );
}

/** Nothing: it grows as old as it likes. */
function isAge(text: string): boolean {
  const days = Number(text);
  return text.trim() === '' || (/^\d+$/.test(text.trim()) && days >= 1 && days <= OLDEST_DAYS);
}

export function SetAdminKey({ inventory }: Pick<OfSlot, 'inventory'>) {
  const t = useWords();
  const { channelId, channelName } = inventory;
  return (
    <Act
      about={channelKeysKey}
      verb={t('channelKeys.adminKey.verb')}
      name={`${t('channelKeys.adminKey.verb')}: ${channelName}`}
      title={t('channelKeys.adminKey.title', { name: channelName })}
      effect={t('channelKeys.adminKey.effect')}
      initial={{ secret: '' }}
      fieldOf={{ adminKey: 'secret' }}
      check={({ secret }) => ({ secret: isSecret(secret) ? null : t('channelKeys.wrongSecret') })}
      fields={(input) => <SecretInput input={input('secret')} label={t('channelKeys.adminKey.label')} />}
      send={({ secret, reason }, attemptId) =>
        api.POST('/api/v1/channels/{id}/admin-key', {
          params: { path: { id: channelId }, header: { 'Idempotency-Key': attemptId } },
          body: { adminKey: secret.trim(), reason },
        })
      }
    />
  );
}

/** What is pasted has a line's end more often than not. */
export function isSecret(text: string): boolean {
  return text.trim().length >= SHORTEST_SECRET && /^[\x21-\x7e]+$/.test(text.trim());
}

export function SecretInput({ input, label }: { readonly input: FieldInput; readonly label: string }) {
  const t = useWords();
  return (
    <PasswordInput
      {...input}
      label={label}
      description={t('channelKeys.secretMore')}
      autoComplete="off"
      maxLength={1_000}
      visibilityToggleButtonProps={{ 'aria-label': t('password.show') }}
      data-autofocus
    />
  );
}
