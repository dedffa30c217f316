// The page of a report: its header, and the tables and lists below the map.

const sections = (report) => [
  removable(report),
  ...findings(report),
  ...advice(report),
  layerTable(report),
  stays(report),
  ownerTable(report),
  fileTable(report),
  ...warnings(report),
].filter(Boolean);

const most = (rows) => rows.reduce((left, row) => Math.max(left, row.disk_bytes), 0);

const barOf = (rows) => {
  const top = most(rows);
  return { title: '', isNumber: true, sort: (row) => row.disk_bytes, cell: (row) => bar(row.visible_bytes, row.disk_bytes - row.visible_bytes, top) };
};

const SAFETIES = ['safe', 'review', 'risky'];

// What a plan can take off: the default profile takes what is safe.
const removable = (report) => {
  const rows = report.categories.filter((row) => row.removable);
  if (!rows.length) return null;
  const { reference } = report.image;
  const isPlain = /^[a-z][a-z-]*:[A-Za-z0-9/:@._+-]+$/.test(reference) && !/:(-|$)/.test(reference);
  const name = isPlain ? reference : 'IMAGE';
  const total = report.totals.removable_bytes;
  return new SortedTable({
    id: 'removable', title: 'What can go', rows, by: 0, isWhole: true,
    note: [
      h('strong', null, size(total)), ` (${percent(total, report.totals.disk_bytes)}) go with the default profile, which takes every safe category but what the container needs to start. `,
      h('code', null, `slim plan ${name}`), ' lists each path; ', h('code', null, `slim save ${name} oci:slim`), ' writes the image without them; ',
      h('code', null, '--remove CATEGORY'), ' takes others too.',
    ],
    text: (row) => `${row.name} ${row.title} ${row.safety}`,
    columns: [
      { title: 'Safety', sort: (row) => SAFETIES.indexOf(row.safety) * 1e16 - row.disk_bytes, cell: (row) => chip(row.safety) },
      { title: 'Category', isHead: true, sort: (row) => row.name, cell: (row) => link(row.name, 'category', report.categories.indexOf(row)) },
      numbers('On disk', (row) => row.disk_bytes),
      barOf(rows),
      numbers('Share', (row) => row.disk_bytes, (bytes) => percent(bytes, report.totals.disk_bytes)),
      numbers('Wire, about', (row) => row.wire_bytes_estimate),
      numbers('Files', (row) => row.files, number),
      { title: 'What it is', isWide: true, sort: (row) => row.title, cell: (row) => row.title },
    ],
  });
};

const stays = (report) => {
  const rows = report.categories.filter((row) => !row.removable && row.disk_bytes > 0);
  if (!rows.length) return null;
  return new SortedTable({
    id: 'stays', title: 'What stays', rows, by: 1, isWhole: true, note: 'Categories that no profile removes.',
    text: (row) => `${row.name} ${row.title}`,
    columns: [
      { title: 'Category', isHead: true, sort: (row) => row.name, cell: (row) => link(row.name, 'category', report.categories.indexOf(row)) },
      numbers('On disk', (row) => row.disk_bytes),
      barOf(rows),
      numbers('Share', (row) => row.disk_bytes, (bytes) => percent(bytes, report.totals.disk_bytes)),
      numbers('Wire, about', (row) => row.wire_bytes_estimate),
      numbers('Files', (row) => row.files, number),
      { title: 'What it is', isWide: true, sort: (row) => row.title, cell: (row) => row.title },
    ],
  });
};

const layerTable = (report) => {
  const rows = report.layers.map((row) => ({ ...row, visible_bytes: row.disk_bytes - row.shadowed_bytes, words: instruction(row.created_by) }));
  if (!rows.length) return null;
  return new SortedTable({
    id: 'layers', title: 'Layers', rows, by: 0, isWhole: true, text: (row) => `${row.words} ${row.digest || ''}`,
    columns: [
      { title: '#', isNumber: true, isUp: true, isHead: true, sort: (row) => row.index, cell: (row) => link(row.index, 'layer', row.index) },
      { title: 'Instruction', isWide: true, sort: (row) => row.words, cell: (row) => h('code', null, row.words) },
      numbers('On disk', (row) => row.disk_bytes),
      barOf(rows),
      { title: 'Wire', isNumber: true, sort: (row) => row.wire_bytes || 0, cell: (row) => (row.wire_bytes === null ? '' : size(row.wire_bytes)) },
      { title: 'Shadowed', isNumber: true, sort: (row) => row.shadowed_bytes, cell: (row) => (row.shadowed_bytes ? size(row.shadowed_bytes) : '') },
      numbers('Files', (row) => row.files, number),
    ],
  });
};

const ownerTable = (report) => {
  const rows = report.owners.filter((row) => row.files > 0);
  if (!rows.length) return null;
  return new SortedTable({
    id: 'packages', title: 'Packages', rows, by: 2, text: (row) => `${row.kind}:${row.name} ${row.version}`,
    columns: [
      { title: 'Kind', sort: (row) => row.kind, cell: (row) => h('span', { class: 'dim' }, row.kind) },
      { title: 'Package', isHead: true, sort: (row) => row.name.toLowerCase(), cell: (row) => link(row.name, 'owner', report.owners.indexOf(row)) },
      numbers('On disk', (row) => row.disk_bytes),
      barOf(rows),
      numbers('Share', (row) => row.disk_bytes, (bytes) => percent(bytes, report.totals.disk_bytes)),
      numbers('Files', (row) => row.files, number),
      { title: 'Version', isWide: true, sort: (row) => row.version, cell: (row) => `${row.version}${row.installed ? '' : ' (no longer installed)'}` },
    ],
  });
};

// Every file of the tree; of a report without it the largest ones.
const fileTable = (report) => {
  const file = report.tree
    ? (row) => ({
      path: model.allPaths()[row], bytes: model.bytes[row], layer: model.layer[row], shadowed: !model.visible[row],
      category: model.category[row] < 0 ? '' : report.categories[model.category[row]].name,
      owner: model.owner[row] < 0 ? '' : model.ownerNames[model.owner[row]],
    })
    : (row) => ({ ...row, owner: row.owner || '' });
  const bytes = report.tree ? (row) => model.bytes[row] : (row) => row.bytes;
  const rows = report.tree ? Array.from(model.files).sort((a, b) => model.bytes[b] - model.bytes[a] || a - b) : report.largest;
  if (!rows.length) return null;
  return new SortedTable({
    id: 'files', title: report.tree ? 'Files' : 'Largest files', rows, by: 0, isSorted: true,
    note: report.tree ? null : ['This page was made of a report without its paths; ', h('code', null, '--tree'), ' saves them too.'],
    text: (row) => { const one = file(row); return `${one.path} ${one.category} ${one.owner}`; },
    columns: [
      { title: 'Size', isNumber: true, sort: bytes, cell: (row) => size(bytes(row)) },
      { title: 'File', isHead: true, isWide: true, sort: (row) => file(row).path, cell: (row) => h('code', null, file(row).path) },
      { title: 'Layer', isNumber: true, sort: (row) => file(row).layer, cell: (row) => file(row).layer },
      { title: 'Category', sort: (row) => file(row).category, cell: (row) => file(row).category },
      { title: 'Package', sort: (row) => file(row).owner, cell: (row) => file(row).owner },
      { title: 'State', sort: (row) => Number(file(row).shadowed), cell: (row) => (file(row).shadowed ? chip('shadowed') : '') },
    ],
  });
};

const findings = (report) => (report.findings.length ? [plainSection('findings', 'Findings', 'What looks like a secret or an identity by its name or first line. Its content is not shown.',
  h('ul', { class: 'list' }, report.findings.map((one) => h('li', null,
    h('span', { class: 'chip risky' }, one.kind), ' ', h('code', null, one.path),
    ` in layer ${one.layer}${one.shadowed && one.hidden_by !== null ? `, hidden by layer ${one.hidden_by}: everybody who downloads the image has it` : ''}`))))] : []);

const header = ({ image, totals }) => {
  headline(image.reference, [...identity(image), image.created ? `made ${image.created.slice(0, 10)}` : null]);
  const about = totals.wire_bytes === null ? '≈\u00a0' : '';
  const safe = totals.removable_bytes;
  byId('verdict').replaceChildren(...[
    h('strong', null, size(totals.disk_bytes)), ' on disk, ', h('strong', null, `${about}${size(totals.wire_bytes_estimate)}`), ' on the wire. ',
    ...(safe ? [h('strong', { class: 'good' }, `${size(safe)} (${percent(safe, totals.disk_bytes)})`), ' can go without changing what the image does.'] : ['Nothing in it is waste that is safe to remove.']),
  ]);
  byId('cards').replaceChildren(
    card('On disk', size(totals.disk_bytes), `${counted(totals.files, 'file')} in ${counted(totals.layers, 'layer')}`),
    card('On the wire', `${about}${size(totals.wire_bytes_estimate)}`, about ? 'compressed, an estimate' : 'compressed, as stored'),
    card('Can go', size(safe), `${percent(safe, totals.disk_bytes)}, safe categories`, 'safe'),
    card('Shadowed', size(totals.shadowed_bytes), `${percent(totals.shadowed_bytes, totals.disk_bytes)}, hidden by later layers`, 'shadowed'),
    card('Reclaimable', size(totals.reclaimable_bytes), 'by squashing alone'),
  );
};

const composition = (report) => {
  const sums = CLASSES.map(() => 0);
  report.categories.forEach((row, at) => {
    sums[model.categoryClass[at]] += row.visible_bytes;
    sums[SHADOWED] += row.disk_bytes - row.visible_bytes;
  });
  legend(sums);
};

const kind = {
  model: (report) => new Model(report),
  platform: (report) => report.image.platform,
  title: (report) => `${report.image.reference} · slim report`,
  show: (report) => {
    header(report);
    composition(report);
    return sections(report);
  },
};
