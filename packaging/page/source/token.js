// The token of this tab.

const key = 'mtflight-token';

export const token = () => sessionStorage.getItem(key) ?? '';
export function keepToken(text) {
  if (text) sessionStorage.setItem(key, text);
  else sessionStorage.removeItem(key);
}
