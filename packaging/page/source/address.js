// The address of what is asked.

export function address(path, members) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    if (value == null || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, one);
  }
  return `${path}?${query}`;
}
