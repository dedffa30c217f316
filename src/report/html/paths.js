// A map of paths that a document lists, each with its bytes and its class.

class PathModel {
  // rows: {path, bytes, kind (a class), type, words (what else is to be said), and a key for each pivot}; pivots: {key, title, name(row)}
  // beside the directories; whole and noun as `describe` wants them.
  constructor(document, rows, { pivots, whole, noun }) {
    const counted = rows.filter((row) => row.bytes > 0);
    Object.assign(this, { document, whole, noun, rows: counted, roots: new Map(), names: new Map(pivots.map((one) => [one.key, one.name])) });
    this.pivots = counted.length ? [{ key: 'directory', title: 'Directory' }, ...pivots] : [];
  }

  root(pivot) {
    if (!this.roots.has(pivot)) this.roots.set(pivot, pivot === 'directory' ? new Branch(this.rows, '', '/', null) : this.groups(pivot));
    return this.roots.get(pivot);
  }

  groups(pivot) {
    const lists = new Map();
    for (const row of this.rows) {
      const key = row[pivot];
      if (!lists.has(key)) lists.set(key, []);
      lists.get(key).push(row);
    }
    const root = new Sum('/', null, []);
    for (const [key, rows] of lists) {
      const branch = new Branch(rows, '', this.names.get(pivot)(key), root);
      branch.key = key;
      root.kids.push(branch);
    }
    root.add();
    return root;
  }

  isPath(node) {
    return node instanceof Branch;
  }

  path(node) {
    return this.isPath(node) ? node.prefix || '/' : node.name;
  }

  type(node) {
    return node.rows[0].type;
  }

  words(node) {
    return node.rows[0].words.filter(Boolean);
  }
}

// Paths that begin with the same directories, or one path.
class Branch {
  constructor(rows, prefix, name, up) {
    this.sums = CLASSES.map(() => 0);
    for (const row of rows) this.sums[row.kind] += row.bytes;
    Object.assign(this, { rows, prefix, name, up, files: rows.length, bytes: this.sums.reduce((all, one) => all + one, 0) });
    this.isLeaf = rows.length === 1 && rows[0].path === prefix;
  }

  // What it holds, the largest first. A chain of directories with nothing beside it is one node.
  get kids() {
    if (this.made) return this.made;
    const lists = new Map();
    for (const row of this.isLeaf ? [] : this.rows) {
      const rest = row.path.slice(this.prefix.length);
      const past = rest.indexOf('/', 1);
      const key = past < 0 ? rest : rest.slice(0, past);
      if (!lists.has(key)) lists.set(key, []);
      lists.get(key).push(row);
    }
    this.made = Array.from(lists.values(), (rows) => {
      const prefix = shared(rows);
      const slash = rows.length > 1 || rows[0].path !== prefix ? '/' : '';
      return new Branch(rows, prefix, `${prefix.slice(this.prefix.length + 1) || '.'}${slash}`, this);
    });
    this.made.sort((a, b) => b.bytes - a.bytes);
    return this.made;
  }
}

// The directories that all of some paths begin with; of one path all of it.
const shared = (rows) => {
  const first = rows[0].path;
  let most = first.length;
  for (const { path } of rows) {
    let at = 0;
    while (at < most && path[at] === first[at]) at += 1;
    most = at;
  }
  const isWhole = rows.every(({ path }) => path.length === most || path[most] === '/');
  return first.slice(0, isWhole ? most : first.lastIndexOf('/', most - 1));
};
