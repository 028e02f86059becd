/** Stock codes of goods; all others are postage, fees, vouchers and manual entries. */
const GOODS = /^(\d{5}[A-Z]{0,2}|DCGS.*)$/;

/** 112 codes of the file differ only in case. */
export const normalizeCode = (code: string): string => code.trim().toUpperCase();

export const isGoods = (code: string): boolean => GOODS.test(code);
