// The few signs of the console, drawn with the colour of the text around them. A sign stands beside words and says nothing by itself.
import type { ReactNode } from 'react';

function drawn(lines: ReactNode) {
  return function Icon({ size = 16 }: { readonly size?: number }) {
    return (
      <svg
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {lines}
      </svg>
    );
  };
}

export const GateIcon = drawn(<path d="M5 20V6m14 14V6M3 6h18M5 13h14" />);
export const CheckIcon = drawn(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const CopyIcon = drawn(
  <>
    <rect x="9" y="9" width="11" height="11" rx="2" />
    <path d="M5 15H4.5A1.5 1.5 0 0 1 3 13.5v-9A1.5 1.5 0 0 1 4.5 3h9A1.5 1.5 0 0 1 15 4.5V5" />
  </>,
);
export const WarningIcon = drawn(
  <path d="M12 8.5v4.5m0 3.5h.01M10.3 4 2.8 17a2 2 0 0 0 1.7 3h15a2 2 0 0 0 1.7-3L13.7 4a2 2 0 0 0-3.4 0Z" />,
);
export const BranchesIcon = drawn(
  <>
    <path d="M4.5 3v12.5a2 2 0 0 0 2 2H13M4.5 7.5H13" />
    <rect x="13" y="4.5" width="7.5" height="6" rx="1.5" />
    <rect x="13" y="14.5" width="7.5" height="6" rx="1.5" />
  </>,
);
export const PersonIcon = drawn(
  <>
    <circle cx="12" cy="8" r="4" />
    <path d="M4.5 20.5a7.5 7.5 0 0 1 15 0" />
  </>,
);
export const ChevronIcon = drawn(<path d="m7 10 5 5 5-5" />);
export const GaugeIcon = drawn(<path d="M4 19a9 9 0 1 1 16 0M12 14l4-5" />);
export const KeyIcon = drawn(
  <>
    <circle cx="7.5" cy="15.5" r="4.5" />
    <path d="m11 12 8.5-8.5M16 7l3 3" />
  </>,
);
export const PlayIcon = drawn(<path d="M7 4.5v15l12-7.5Z" />);
export const SearchIcon = drawn(
  <>
    <circle cx="11" cy="11" r="6.5" />
    <path d="m16 16 4.5 4.5" />
  </>,
);
export const EyeIcon = drawn(
  <>
    <path d="M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12Z" />
    <circle cx="12" cy="12" r="3" />
  </>,
);
export const PlusIcon = drawn(<path d="M12 5v14M5 12h14" />);
export const PeopleIcon = drawn(
  <>
    <circle cx="9" cy="8" r="3.5" />
    <path d="M2.5 19.5a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4m2 2.6a6.5 6.5 0 0 1 3.5 5.7" />
  </>,
);
export const CardIcon = drawn(
  <>
    <rect x="3" y="5" width="18" height="14" rx="2" />
    <path d="M3 10h18M7 15h3" />
  </>,
);
export const BuildingIcon = drawn(<path d="M5 20V5.5L14 3v17M14 9l5 1.5V20M3 20h18M8.5 8.5h2m-2 4h2m-2 4h2" />);
export const TrayIcon = drawn(<path d="M3.5 13.5 6 5h12l2.5 8.5V19h-17v-5.5H9a3 3 0 0 0 6 0h5.5" />);
export const LockIcon = drawn(
  <>
    <rect x="4.5" y="10.5" width="15" height="10" rx="2" />
    <path d="M8 10.5V7a4 4 0 0 1 8 0v3.5M12 14.5v2" />
  </>,
);
export const StackIcon = drawn(
  <>
    <ellipse cx="12" cy="5.5" rx="7.5" ry="2.75" />
    <path d="M4.5 5.5v13c0 1.5 3.4 2.75 7.5 2.75s7.5-1.25 7.5-2.75v-13M4.5 12c0 1.5 3.4 2.75 7.5 2.75s7.5-1.25 7.5-2.75" />
  </>,
);
