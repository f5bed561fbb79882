// grouped is an integer with commas; the languages of a browser take it some 20 ms to load.
export const grouped = (n) => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
