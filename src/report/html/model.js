// A report as the page needs it: what each byte is for, and the tree of the report as nodes that are made when they are
// looked at. The rows of the tree stand in order, so that a directory is a range of rows: nothing is copied.

const CLASSES = [
  { key: 'stays', title: 'stays' },
  { key: 'safe', title: 'safe to remove' },
  { key: 'review', title: 'removable after a look' },
  { key: 'risky', title: 'risky to remove' },
  { key: 'shadowed', title: 'shadowed: hidden by a later layer' },
];
const SHADOWED = 4;
const HATCHED = SHADOWED;
const classOf = (category) =>
  category && category.removable ? Math.max(0, CLASSES.findIndex((one) => one.key === category.safety)) : 0;

const PIVOTS = [
  { key: 'directory', title: 'Directory' },
  { key: 'layer', title: 'Layer' },
  { key: 'category', title: 'Category' },
  { key: 'owner', title: 'Package' },
];

class Model {
  constructor(report) {
    this.document = report;
    this.report = report;
    this.whole = 'the image';
    this.noun = 'file';
    this.pivots = PIVOTS.filter((one) => report.tree || one.key !== 'directory');
    this.categoryClass = report.categories.map(classOf);
    this.ownerNames = report.owners.map((owner) => `${owner.kind}:${owner.name}`);
    this.roots = new Map();
    this.paths = null;
    if (report.tree) this.readTree(report.tree);
  }

  readTree(tree) {
    const column = (values) => Int32Array.from(values, (value) => (value === null ? -1 : value));
    this.names = tree.names;
    this.kinds = tree.kinds;
    this.parent = column(tree.parent);
    this.name = column(tree.name);
    this.kind = column(tree.kind);
    this.layer = column(tree.layer);
    this.category = column(tree.category);
    this.owner = column(tree.owner);
    this.bytes = Float64Array.from(tree.bytes);
    this.visible = Uint8Array.from(tree.visible);
    const rows = this.parent.length;
    // One past the last row of what each row holds.
    this.end = new Int32Array(rows);
    for (let row = rows - 1; row >= 0; row -= 1) {
      if (this.end[row] === 0) this.end[row] = row + 1;
      const parent = this.parent[row];
      if (parent >= 0 && this.end[parent] < this.end[row]) this.end[parent] = this.end[row];
    }
    const [directory, link] = ['directory', 'hard-link'].map((kind) => tree.kinds.indexOf(kind));
    this.directory = directory;
    const files = [];
    for (let row = 0; row < rows; row += 1) {
      if (this.kind[row] !== directory && this.kind[row] !== link) files.push(row);
    }
    this.files = Int32Array.from(files);
  }

  classOfRow(row) {
    if (!this.visible[row]) return SHADOWED;
    return this.category[row] < 0 ? 0 : this.categoryClass[this.category[row]];
  }

  isPath(node) {
    return Boolean(node.bucket);
  }

  // The whole path of a node; of a group its name.
  path(node) {
    if (!node.bucket) return node.name;
    const parts = [];
    for (let at = node.row; at > 0; at = this.parent[at]) parts.push(this.names[this.name[at]]);
    return `/${parts.reverse().join('/')}`;
  }

  type({ row }) {
    return this.kinds[this.kind[row]];
  }

  // What else is to be said of a file.
  words({ row }) {
    return [
      `layer ${this.layer[row]}`,
      this.category[row] < 0 ? null : this.report.categories[this.category[row]].name,
      this.owner[row] < 0 ? null : this.ownerNames[this.owner[row]],
      this.visible[row] ? null : 'shadowed',
    ].filter(Boolean);
  }

  // Every path, once, for filters.
  allPaths() {
    if (!this.paths) {
      const whole = new Array(this.parent.length);
      whole[0] = '';
      for (let row = 1; row < whole.length; row += 1) {
        whole[row] = `${whole[this.parent[row]]}/${this.names[this.name[row]]}`;
      }
      this.paths = whole;
    }
    return this.paths;
  }

  // The node that holds all, divided by a dimension.
  root(pivot) {
    if (!this.roots.has(pivot)) this.roots.set(pivot, this.report.tree ? this.treeRoot(pivot) : this.flatRoot(pivot));
    return this.roots.get(pivot);
  }

  treeRoot(pivot) {
    if (pivot === 'directory') {
      const bucket = new Bucket(this, this.files);
      return new Place(bucket, 0, 0, bucket.rows.length, '/', null);
    }
    const column = { layer: this.layer, category: this.category, owner: this.owner }[pivot];
    const rows = new Map();
    for (const row of this.files) {
      const key = column[row];
      if (!rows.has(key)) rows.set(key, []);
      rows.get(key).push(row);
    }
    const root = new Sum('/', null, []);
    for (const [key, list] of rows) {
      const bucket = new Bucket(this, Int32Array.from(list));
      const place = new Place(bucket, bucket.above(0, list.length, 0), 0, list.length, this.groupName(pivot, key), root);
      place.key = key;
      root.kids.push(place);
    }
    root.add();
    return root;
  }

  // Of a report without its tree: the sums of its tables.
  flatRoot(pivot) {
    const root = new Sum('/', null, []);
    const leaf = (name, disk, visible, kind, files, key) => {
      const sums = [0, 0, 0, 0, 0];
      sums[kind] += visible;
      sums[SHADOWED] += disk - visible;
      const node = new Sum(name, root, []);
      Object.assign(node, { sums, bytes: disk, files, key, isLeaf: true });
      root.kids.push(node);
    };
    const { layers, categories, owners } = this.report;
    if (pivot === 'layer') {
      layers.forEach((row, at) => leaf(this.groupName(pivot, at), row.disk_bytes, row.disk_bytes - row.shadowed_bytes, 0, row.files, at));
    } else if (pivot === 'category') {
      categories.forEach((row, at) => leaf(row.name, row.disk_bytes, row.visible_bytes, this.categoryClass[at], row.files, at));
    } else if (pivot === 'owner') {
      owners.forEach((row, at) => leaf(this.ownerNames[at], row.disk_bytes, row.visible_bytes, 0, row.files, at));
    }
    root.add();
    return root;
  }

  groupName(pivot, key) {
    if (pivot === 'category') return key < 0 ? 'none' : this.report.categories[key].name;
    if (pivot === 'owner') return key < 0 ? 'no package' : this.ownerNames[key];
    const layer = this.report.layers[key];
    return `${key}: ${instruction(layer ? layer.created_by : '') || 'no instruction'}`;
  }
}

// Files that belong together, in the order of the tree, with the bytes of each class summed up from the first on.
class Bucket {
  constructor(model, rows) {
    this.model = model;
    this.rows = rows;
    this.sums = CLASSES.map(() => new Float64Array(rows.length + 1));
    for (let at = 0; at < rows.length; at += 1) {
      const mine = model.classOfRow(rows[at]);
      this.sums.forEach((sum, one) => { sum[at + 1] = sum[at] + (one === mine ? model.bytes[rows[at]] : 0); });
    }
  }

  // The first place from `from` on whose row is not below `row`.
  search(row, from, to) {
    let [low, high] = [from, to];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle] < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // The deepest directory that holds all of a range, `top` or below it: the one that holds its first and its last.
  above(from, to, top) {
    const { parent, end } = this.model;
    const last = this.rows[to - 1];
    let at = parent[this.rows[from]];
    while (at > top && end[at] <= last) at = parent[at];
    return at < 0 ? top : at;
  }
}

// A node of the map: a directory, or one file, as far as a bucket has it.
class Place {
  constructor(bucket, row, from, to, name, up) {
    Object.assign(this, { bucket, row, from, to, name, up });
    this.sums = bucket.sums.map((sum) => sum[to] - sum[from]);
    this.bytes = this.sums.reduce((all, one) => all + one, 0);
    this.files = to - from;
    this.isLeaf = bucket.model.kind[row] !== bucket.model.directory;
  }

  // What it holds, the largest first. A chain of directories with nothing beside it is one node.
  get kids() {
    if (this.made) return this.made;
    this.made = [];
    const { rows, model } = this.bucket;
    for (let at = this.from; !this.isLeaf && at < this.to;) {
      let child = rows[at];
      while (model.parent[child] !== this.row) child = model.parent[child];
      const past = this.bucket.search(model.end[child], at, this.to);
      const one = past - at === 1 ? rows[at] : this.bucket.above(at, past, child);
      this.made.push(new Place(this.bucket, one, at, past, this.nameOf(one), this));
      at = past;
    }
    this.made.sort((a, b) => b.bytes - a.bytes || a.from - b.from);
    return this.made;
  }

  nameOf(row) {
    const { model } = this.bucket;
    const parts = [];
    for (let at = row; at !== this.row; at = model.parent[at]) parts.push(model.names[model.name[at]]);
    return parts.reverse().join('/') + (model.kind[row] === model.directory ? '/' : '');
  }
}
