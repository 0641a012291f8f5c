export const Mark = () => (
  <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
    <rect width="32" height="32" rx="9" fill="currentColor" className="mark-ground" />
    <path d="M9 13v6M13.6 9v14M18.3 12v8M23 14.5v3" className="mark-wave" strokeWidth="2.6" strokeLinecap="round" />
  </svg>
);

/** From one number to the other: points the way one reads. */
export const ArrowIcon = () => (
  <svg className="arrow" viewBox="0 0 20 12" width="18" height="11" aria-hidden="true">
    <path
      d="M1 6h16M12.5 1.5 17 6l-4.5 4.5"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
    />
  </svg>
);

export const ChevronIcon = () => (
  <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
    <path d="m5 7.5 5 5 5-5" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />
  </svg>
);

export const SearchIcon = () => (
  <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
    <path d="m13.2 13.2 4 4M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12Z" fill="none" stroke="currentColor" strokeWidth="1.8" />
  </svg>
);
