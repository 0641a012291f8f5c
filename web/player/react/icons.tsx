import type { ReactNode } from "react";

const icon = (content: ReactNode) => (
  <svg
    viewBox="0 0 24 24"
    width="1em"
    height="1em"
    fill="none"
    stroke="currentColor"
    strokeWidth="2"
    aria-hidden="true"
  >
    {content}
  </svg>
);

export const PlayIcon = () => icon(<path d="M8 5.2v13.6L19 12z" fill="currentColor" strokeLinejoin="round" />);
export const PauseIcon = () => icon(<path d="M8.5 5.5v13M15.5 5.5v13" strokeWidth="3.6" strokeLinecap="round" />);
const arrowBack = <path d="M4.5 12a7.5 7.5 0 1 0 2.6-5.7L4.5 8.7M4.5 4.2v4.5H9" strokeLinecap="round" />;
const ten = (
  <text x="12.2" y="15" fontSize="7.5" fontWeight="700" textAnchor="middle" fill="currentColor" stroke="none">
    10
  </text>
);
export const BackIcon = () =>
  icon(
    <>
      {arrowBack}
      {ten}
    </>,
  );
export const ForwardIcon = () =>
  icon(
    <>
      <g transform="matrix(-1 0 0 1 24 0)">{arrowBack}</g>
      {ten}
    </>,
  );
const speaker = <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z" fill="currentColor" strokeLinejoin="round" />;
export const VolumeIcon = ({ level }: { level: number }) =>
  icon(
    <>
      {speaker}
      {level === 0 && <path d="m16 9.5 5 5m0-5-5 5" strokeLinecap="round" />}
      {level > 0 && <path d="M15.5 9.2a4 4 0 0 1 0 5.6" strokeLinecap="round" />}
      {level > 0.5 && <path d="M18 6.6a7.6 7.6 0 0 1 0 10.8" strokeLinecap="round" />}
    </>,
  );
export const AlertIcon = () =>
  icon(
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M12 7.5v5.5M12 16.4v.1" strokeLinecap="round" strokeWidth="2.4" />
    </>,
  );
