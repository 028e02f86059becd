/** Orders without a known customer carry an id of their own that starts like this. */
export const isGuest = (customerId: string): boolean => customerId.startsWith('guest-');
