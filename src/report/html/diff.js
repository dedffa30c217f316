// The page of a comparison: what changed from one image to another, and what a client that has the old one must download.

const CLASSES = [
  { key: 'added', title: 'new' },
  { key: 'modified', title: 'changed' },
  { key: 'metadata', title: 'other metadata' },
  { key: 'removed', title: 'gone' },
];
const HATCHED = 3; // what is gone

const changedPaths = (diff) => {
  const rows = diff.paths.map((row) => ({
    path: row.path,
    bytes: Math.max(row.old_bytes, row.new_bytes),
    kind: CLASSES.findIndex((one) => one.key === row.change),
    type: row.change,
    category: row.category,
    layer: row.layer === null ? -1 - row.old_layer : row.layer,
    change: row.change,
    words: [CLASSES.find((one) => one.key === row.change).title, fromTo(row), row.layer === null ? `was in layer ${row.old_layer}` : `layer ${row.layer}`, row.category],
  }));
  const instructions = new Map(diff.layers.filter((row) => row.new_index !== null).map((row) => [row.new_index, row.instruction]));
  return new PathModel(diff, rows, {
    whole: 'what changed',
    noun: 'path',
    pivots: [
      { key: 'layer', title: 'Layer', name: (at) => (at < 0 ? `gone from layer ${-1 - at} of the old image` : `${at}: ${instructions.get(at) || 'no instruction'}`) },
      { key: 'category', title: 'Category', name: (name) => name },
      { key: 'change', title: 'Change', name: (change) => CLASSES.find((one) => one.key === change).title },
    ],
  });
};

// Before and after, where both are there and people see a difference.
const fromTo = ({ old_bytes: before, new_bytes: after }) => (before && after && size(before) !== size(after) ? `${size(before)} → ${size(after)}` : null);

// Pieces of sentences that were put together where all formats find them.
const sentence = (pieces) => pieces.map((piece) => {
  const [[kindOf, text]] = Object.entries(piece);
  if (kindOf === 'words') return text;
  return h({ strong: 'strong', title: 'strong', name: 'code' }[kindOf], null, text);
});

const changeCard = (title, { old, new: now, delta }, show, sign) => card(title, show(now), delta ? `${show(old)} before, ${sign(delta)}` : 'as before');

const diffHeader = (diff) => {
  const { old, new: now, totals, transfer, said } = diff;
  const image = now || old;
  headline(image.reference, [...identity(image), old && now ? `beside ${old.reference}, ${identity(old)[1]}` : null]);
  byId('verdict').replaceChildren(...sentence(said.verdict));
  const isCompared = Boolean(old && now);
  byId('cards').hidden = !isCompared;
  if (!isCompared) return;
  const wire = totals.wire_bytes ? 'On the wire' : 'On the wire, about';
  const isExact = transfer.new_wire_bytes !== null;
  byId('cards').replaceChildren(
    changeCard('On disk', totals.disk_bytes, size, signedSize),
    changeCard(wire, totals.wire_bytes_estimate, size, signedSize),
    card('To download', `${isExact ? '' : '≈\u00a0'}${size(transfer.new_wire_bytes_estimate)}`, `${counted(transfer.new_blobs, 'blob')}, where the old image is`),
    changeCard('Layers', totals.layers, number, signedNumber),
    changeCard('Files', totals.files, number, signedNumber),
  );
};

const diffComposition = () => {
  const sums = CLASSES.map(() => 0);
  model.rows.forEach((row) => { sums[row.kind] += row.bytes; });
  if (model.rows.length) legend(sums);
  else byId('composition').replaceChildren();
};

const diffStory = ({ said }) => (said.story.length ? [plainSection('cache', 'What was built again', said.limits, h('ul', { class: 'list' }, said.story.map((one) => h('li', null, sentence(one)))))] : []);

const STATES = { ok: 'safe', over: 'risky', allowed: 'review' };

const diffBudgets = ({ budgets }) => (budgets.length ? [new SortedTable({
  id: 'budgets', title: 'Budgets', rows: budgets, by: 0, isWhole: true, text: (row) => `${row.name} ${row.state} ${row.message}`,
  columns: [
    { title: 'State', sort: (row) => ['over', 'allowed', 'ok'].indexOf(row.state), cell: (row) => h('span', { class: `chip ${STATES[row.state]}` }, row.state) },
    { title: 'Budget', isHead: true, sort: (row) => row.name, cell: (row) => row.name },
    { title: 'Found', sort: (row) => row.value, cell: (row) => row.value },
    { title: 'Allowed', sort: (row) => row.limit, cell: (row) => row.limit },
    { title: 'What to say', isWide: true, sort: (row) => row.message, cell: (row) => row.message },
  ],
})] : []);

const beforeAfter = (rows) => {
  const top = rows.reduce((left, row) => Math.max(left, row.old_bytes, row.new_bytes), 0);
  return [
    numbers('Change', (row) => row.new_bytes - row.old_bytes, signedSize),
    { title: '', isNumber: true, sort: (row) => Math.abs(row.new_bytes - row.old_bytes), cell: (row) => changeBar(row, top) },
    numbers('Before', (row) => row.old_bytes),
    numbers('After', (row) => row.new_bytes),
  ];
};

// What both have, and what is new or gone beside it.
const changeBar = ({ old_bytes: before, new_bytes: after }, top) => {
  const part = (name, bytes) => {
    const element = h('span', { class: name });
    element.style.width = `${top ? (bytes / top) * 100 : 0}%`;
    return element;
  };
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, part('solid', Math.min(before, after)), part(after > before ? 'added' : 'removed', Math.abs(after - before)));
};

const byChange = (row) => -Math.abs(row.new_bytes - row.old_bytes);

const diffLayers = ({ layers, said }) => (layers.length ? [new SortedTable({
  id: 'layers', title: 'Layers', rows: layers.map((row, at) => ({ ...row, at, cause: said.layers[at] })), by: 0, isWhole: true,
  text: (row) => `${row.status} ${row.instruction} ${row.old_instruction || ''}`,
  columns: [
    { title: '#', isNumber: true, isUp: true, isHead: true, sort: (row) => row.at, cell: (row) => (row.new_index === null ? `was ${row.old_index}` : row.new_index) },
    { title: 'What became of it', sort: (row) => row.status, cell: (row) => h('span', null, h('span', { class: `chip ${row.status}` }, row.status), row.cause ? ` ${row.cause}` : '') },
    numbers('To download', (row) => row.transfer_bytes_estimate, (bytes) => (bytes ? size(bytes) : '')),
    { title: 'Before', isNumber: true, sort: (row) => row.old_disk_bytes || 0, cell: (row) => (row.old_disk_bytes === null ? '' : size(row.old_disk_bytes)) },
    { title: 'After', isNumber: true, sort: (row) => row.new_disk_bytes || 0, cell: (row) => (row.new_disk_bytes === null ? '' : size(row.new_disk_bytes)) },
    {
      title: 'Instruction', isWide: true, sort: (row) => row.instruction, cell: (row) => h('span', null,
        row.old_instruction ? [h('code', { class: 'quiet' }, row.old_instruction), ' → '] : null, h('code', null, row.instruction)),
    },
  ],
})] : []);

const diffCategories = ({ categories }) => {
  const rows = categories.filter((row) => row.delta !== 0);
  return rows.length ? [new SortedTable({
    id: 'categories', title: 'Categories', rows, by: 2, isWhole: true, text: (row) => `${row.name} ${row.title}`,
    columns: [
      { title: 'Category', isHead: true, sort: (row) => row.name, cell: (row) => link(row.name, 'category', row.name) },
      ...beforeAfter(rows),
      { title: 'What it is', isWide: true, sort: (row) => row.title, cell: (row) => row.title },
    ],
  })] : [];
};

const OWNER_CHANGES = { added: 'added', removed: 'removed', version: 'modified', size: 'metadata' };

const diffOwners = ({ owners }) => (owners.length ? [new SortedTable({
  id: 'packages', title: 'Packages', rows: owners, by: 4, text: (row) => `${row.kind}:${row.name} ${row.change} ${row.old_version || ''} ${row.new_version || ''}`,
  columns: [
    { title: 'Kind', sort: (row) => row.kind, cell: (row) => h('span', { class: 'dim' }, row.kind) },
    { title: 'Package', isHead: true, sort: (row) => row.name.toLowerCase(), cell: (row) => row.name },
    { title: 'Change', sort: (row) => row.change, cell: (row) => h('span', { class: `chip ${OWNER_CHANGES[row.change]}` }, row.change) },
    ...beforeAfter(owners),
    { title: 'Version', isWide: true, sort: (row) => row.new_version || row.old_version || '', cell: versions },
  ],
})] : []);

const versions = ({ old_version: before, new_version: after }) => (before && after && before !== after ? `${before} → ${after}` : after || before || '');

const diffDirectories = ({ directories }) => (directories.length ? [new SortedTable({
  id: 'directories', title: 'Directories', rows: directories, by: 2, text: (row) => row.path,
  columns: [
    { title: 'Directory', isHead: true, isWide: true, sort: (row) => row.path, cell: (row) => h('code', null, row.path) },
    ...beforeAfter(directories),
    numbers('Paths', (row) => row.paths, number),
  ],
})] : []);

const diffPaths = ({ paths }) => (paths.length ? [new SortedTable({
  id: 'files', title: 'Paths', rows: paths, by: 2, isSorted: true, text: (row) => `${row.path} ${row.change} ${row.category}`,
  columns: [
    { title: 'Change', sort: (row) => row.change, cell: (row) => h('span', { class: `chip ${row.change}` }, row.change) },
    { title: 'Path', isHead: true, isWide: true, sort: (row) => row.path, cell: (row) => h('code', null, row.path) },
    { title: 'Size', isNumber: true, sort: (row) => Math.max(row.old_bytes, row.new_bytes), cell: (row) => fromTo(row) || size(Math.max(row.old_bytes, row.new_bytes)) },
    { title: 'Layer', isNumber: true, sort: (row) => (row.layer === null ? -1 : row.layer), cell: (row) => (row.layer === null ? `was ${row.old_layer}` : row.layer) },
    { title: 'Category', sort: (row) => row.category, cell: (row) => row.category },
  ],
})] : []);

const kind = {
  model: changedPaths,
  platform: (diff) => diff.platform,
  title: (diff) => `${(diff.new || diff.old).reference} · slim diff`,
  show: (diff) => {
    diffHeader(diff);
    diffComposition();
    return [diffBudgets, diffStory, diffLayers, diffCategories, diffOwners, diffDirectories, diffPaths, advice].flatMap((one) => one(diff));
  },
};
