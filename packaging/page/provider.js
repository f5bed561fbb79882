// What h5web asks, of the server's answers: entities of one listing of the file, values as Arrow.

import { DataProviderApi, EntityKind } from '@h5web/app';
import { tableFromIPC } from 'apache-arrow';

import { parseExact } from './source/exact.js';
import { attributeType, shapeOf, typeOf } from './types.js';
import { flat } from './flat.js';

const most = 16 << 20; // elements of one value
const text = new TextDecoder();

export class Provider extends DataProviderApi {
  // ask gives the bytes of an answer.
  constructor(file, ask) {
    super(file);
    this.ask = (path, members, signal) => ask(path, { file, ...members }, signal);
  }

  tree() { return (this.listed ??= this.ask('v1/list', {}).then((body) => index(parseExact(text.decode(body))[0]))); }

  async getEntity(path) {
    const entity = (await this.tree()).get(path);
    if (!entity) throw new Error(`there is no ${path}`);
    return entity;
  }

  async getSearchablePaths(path) {
    return [...(await this.tree()).keys()].filter((p) => p !== '/' && p.startsWith(path));
  }

  async getAttrValues(entity) {
    if (!entity.attributes.length) return {};
    return parseExact(text.decode(await this.ask('v1/attributes', { object: entity.path })));
  }

  async getValue({ dataset, selection }, signal) {
    const dims = dataset.shape.dims, parts = selection?.split(',') ?? [];
    const n = dims.reduce((p, d, i) => (parts[i] && !parts[i].includes(':') ? p : p * Number(d)), 1);
    if (n > most) throw new Error(`${n.toLocaleString('en')} elements are more than this view holds: the tabs Picture and Rows show parts`);
    const body = await this.ask('v1/data', { dataset: dataset.path, ...(selection && dims.length ? { select: selection } : {}) }, signal);
    const values = flat(tableFromIPC(body).getChildAt(0));
    return dims.length ? values : values[0];
  }
}

// index is a file's objects by path, groups with their children.
function index(listed) {
  if (listed.error) throw new Error(listed.error);
  const all = new Map();
  const put = (path, kind, attributes, more) => {
    const cut = path.lastIndexOf('/');
    const entity = { name: path.slice(cut + 1) || listed.file, path, kind, attributes: attributesOf(attributes), ...more };
    all.set(path, entity);
    if (path !== '/') all.get(path.slice(0, cut) || '/')?.children?.push(entity);
  };
  for (const g of listed.groups) put(g.path, g.named_type ? EntityKind.Datatype : EntityKind.Group, g.attributes, g.named_type ? { rawType: g.type } : { children: [] });
  for (const d of listed.datasets) {
    put(d.path, EntityKind.Dataset, d.attributes, { shape: shapeOf(d.shape), type: typeOf(d.type), rawType: d.type, chunks: d.chunks ?? undefined,
      filters: d.filters?.map((name, id) => ({ id, name })) });
  }
  for (const l of listed.links) put(l.path, EntityKind.Unresolved, {}, { link: { class: l.kind === 'external' ? 'External' : 'Soft', file: l.file, path: l.target } });
  return all;
}

const attributesOf = (values) => Object.entries(values ?? {}).map(([name, v]) => ({ name, ...attributeType(v) }));
