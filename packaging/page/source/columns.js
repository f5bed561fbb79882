// Columns of a dataset as the page needs them, of what describe says.

// columnsOf gives {name, type, numeric, flat, bytes}: flat ones have one value a row, of so many bytes.
export function columnsOf(described) {
  return described.schema.map(({ name, type }) => ({
    name, type, bytes: sizeOf(type), numeric: /^(u?int|float)\d+$/.test(type), flat: !/^(fixed_size_list|list|struct|extension)/.test(type),
  }));
}

function sizeOf(type) {
  const list = /^fixed_size_list<.*: (.*?)(, nullable)?>\[(\d+)\]$/.exec(type);
  if (list) return sizeOf(list[1]) * Number(list[3]);
  const bits = /^(?:u?int|float)(\d+)/.exec(type);
  if (bits) return Number(bits[1]) / 8;
  const octets = /^fixed_size_binary\[(\d+)\]/.exec(type);
  return octets ? Number(octets[1]) : 16;
}

// countOf is how many rows there are, as far as numbers of JavaScript go.
export function countOf(described) {
  const rows = described.rows ?? 0;
  return { rows: Number(rows < BigInt(Number.MAX_SAFE_INTEGER) ? rows : Number.MAX_SAFE_INTEGER), beyond: typeof rows === 'bigint' };
}

// quoted is a column's name as conditions have it.
export const quoted = (name) => (/^[A-Za-z_][\w/]*$/.test(name) && !words.includes(name) ? name : `\`${name}\``);

const words = ['and', 'or', 'not', 'in', 'is', 'null', 'true', 'false', 'True', 'False'];
