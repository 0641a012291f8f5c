import { type FocusEvent, type RefObject, useLayoutEffect, useRef } from "react";

/**
 * Focus on something that goes moves on to `heir` instead of getting lost. The handlers belong to the element around
 * all of it.
 */
export function useKeptFocus(heir: RefObject<HTMLElement | null>) {
  const focused = useRef<Element | null>(null);
  useLayoutEffect(() => {
    if (!focused.current || focused.current.isConnected) return;
    focused.current = null;
    if (document.activeElement === document.body) heir.current?.focus();
  });
  return {
    onFocus: (event: FocusEvent) => {
      focused.current = event.target;
    },
    // Who moves focus on says so. An element that is taken away does not: React keeps silent while it changes the page.
    onBlur: () => {
      focused.current = null;
    },
  };
}
