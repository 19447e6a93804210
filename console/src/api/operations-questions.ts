// What the pages of those who keep it running ask of the API: of keys and their changes, and of backups. What changes by itself is asked again and again.
import { queryOptions } from '@tanstack/react-query';
import type { components } from '../../generated/api.d.ts';
import { api, told } from './client.ts';

export type KeyInventory = components['schemas']['KeyInventory'];
export type KeySlot = components['schemas']['KeySlot'];
export type KeyRotation = components['schemas']['KeyRotation'];
export type MasterKeys = components['schemas']['MasterKeys'];
export type MasterKey = components['schemas']['MasterKey'];
export type MasterKeyRotation = components['schemas']['MasterKeyRotation'];
export type Backup = components['schemas']['Backup'];
export type Drill = components['schemas']['RestoreCheck'];

/** While something goes on. */
const SOON_MS = 3_000;
const NOW_AND_THEN_MS = 30_000;
/** As many as one answer holds. */
const MOST = 200;

/** For hours, or until a person has done something. */
const LONG_STAGES: readonly KeyRotation['stage'][] = ['awaiting_key', 'grace', 'verifying'];

export const channelKeysKey = ['channel-keys'] as const;

/** More channels than anybody has. */
export const inventoriesQuery = queryOptions({
  queryKey: [...channelKeysKey, 'all'],
  queryFn: () => told(api.GET('/api/v1/key-slots', { params: { query: { limit: MOST } } })),
  refetchInterval: NOW_AND_THEN_MS,
});

export const keyRotationQuery = (id: string) =>
  queryOptions({
    queryKey: [...channelKeysKey, 'rotation', id],
    queryFn: () => told(api.GET('/api/v1/key-rotations/{id}', { params: { path: { id } } })),
    refetchInterval: ({ state: { data } }) => {
      if (data?.hasEnded === true) return false;
      return data !== undefined && LONG_STAGES.includes(data.stage) ? NOW_AND_THEN_MS : SOON_MS;
    },
  });

export const masterKeysKey = ['master-keys'] as const;

export const masterKeysQuery = queryOptions({
  queryKey: masterKeysKey,
  queryFn: () => told(api.GET('/api/v1/master-keys')),
  refetchInterval: ({ state }) => {
    const rotation = state.data?.rotation ?? null;
    return rotation !== null && rotation.endedAt === null ? SOON_MS : NOW_AND_THEN_MS;
  },
});

export const backupsQuery = queryOptions({
  queryKey: ['backups'],
  queryFn: () => told(api.GET('/api/v1/backups', { params: { query: { limit: MOST } } })),
  refetchInterval: ({ state }) => (state.data?.data.some(goesOn) ? SOON_MS : NOW_AND_THEN_MS),
});

export const drillsQuery = queryOptions({
  queryKey: ['drills'],
  queryFn: () => told(api.GET('/api/v1/restore-checks', { params: { query: { limit: 10 } } })),
  refetchInterval: ({ state }) => (state.data?.data.some(goesOn) ? SOON_MS : NOW_AND_THEN_MS),
});

/** By itself: nobody is waited for. */
export function goesOn({ stage }: Pick<Backup | Drill, 'stage'>): boolean {
  return stage !== 'attention' && stage !== 'completed' && stage !== 'dismissed';
}
