// The page of a plan: what would go, why, what stays in spite of being asked for, and what each way of writing saves.

const CLASSES = [
  { key: 'safe', title: 'safe' },
  { key: 'review', title: 'after a look' },
  { key: 'risky', title: 'risky' },
  { key: 'stays', title: 'by hand, and packages that nothing else needs' },
];
const HATCHED = -1;
const BY_HAND = 3;

const goingPaths = (plan) => {
  const safety = new Map(plan.groups.map((group) => [group.category, group.safety]));
  const classOf = (category) => {
    const at = CLASSES.findIndex((one) => one.key === safety.get(category));
    return at < 0 ? BY_HAND : at;
  };
  const rows = plan.removals.map((row) => ({
    path: row.path, bytes: row.bytes, kind: classOf(row.category), type: 'goes', layer: row.layer, category: row.category, rule: row.rule,
    words: [row.layer === null ? null : `layer ${row.layer}`, row.category, row.rule],
  }));
  return new PathModel(plan, rows, {
    whole: 'what goes',
    noun: 'file',
    pivots: [
      { key: 'category', title: 'Category', name: (name) => name || 'no category' },
      { key: 'layer', title: 'Layer', name: (layer) => (layer === null ? 'no layer' : `layer ${layer}`) },
      { key: 'rule', title: 'Rule', name: (rule) => rule },
    ],
  });
};

const planHeader = ({ source, totals, before, modes, removals, refused }) => {
  headline(source.reference || source.config_digest, identity(source));
  const goes = removals.length
    ? [h('strong', { class: 'good' }, `${size(totals.disk_bytes)} (${percent(totals.disk_bytes, before.disk_bytes)})`), ` in ${counted(totals.files, 'file')} go`]
    : ['No file goes'];
  const changes = totals.changed_files ? ['; ', h('strong', { class: 'good' }, size(totals.changed_saved_bytes)), ` less in ${counted(totals.changed_files, 'file')} that change in place`] : [];
  byId('verdict').replaceChildren(...goes, ...changes, refused.length ? `; ${number(refused.length)} asked for, and ${refused.length === 1 ? 'stays' : 'stay'}.` : '.');
  const result = (title, now, then, about) => card(title, `${about}${size(then)}`, `${size(now)} now, −${percent(Math.max(0, now - then), now)}`);
  byId('cards').replaceChildren(
    result('On disk after', before.disk_bytes, modes.squash.disk_bytes, ''),
    result('On the wire after', before.wire_bytes_estimate, modes.squash.wire_bytes_estimate, '≈\u00a0'),
    card('Layers after', number(modes.squash.layers), `${number(before.layers)} now; ${number(modes.keep.layers)} with --layers keep`),
    card('Files that go', number(totals.files), counted(totals.directories, 'directory')),
  );
  const sums = CLASSES.map(() => 0);
  model.rows.forEach((row) => { sums[row.kind] += row.bytes; });
  if (model.rows.length) legend(sums);
  else byId('composition').replaceChildren();
};

const LISTS = [
  ['profile', 'profiles'], ['removes', 'remove_words'], ['but keeps', 'keep_words'], ['remove-package', 'remove_packages'], ['remove-path', 'remove_paths'],
  ['keep-path', 'keep_paths'], ['force-path', 'force_paths'], ['locale', 'locales'],
];

const planSelection = ({ selection }) => {
  const lists = LISTS.filter(([, key]) => selection[key].length).map(([word, key]) => h('li', null, `${word} `, selection[key].flatMap((value, at) => [at ? ', ' : '', h('code', null, value)])));
  if (selection.strip) lists.push(h('li', null, 'strip: programs and libraries lose their symbols'));
  return lists.length ? [plainSection('selection', 'What was chosen', null, h('ul', { class: 'list' }, lists))] : [];
};

const planModes = ({ before, modes }) => {
  const rows = [{ name: 'now', ...before }, { name: 'squash', ...modes.squash }, { name: 'keep', ...modes.keep }, ...(modes.base ? [{ name: 'base', ...modes.base }] : [])].map((row, at) => ({ ...row, at }));
  const estimate = (title, key) => ({ title, isNumber: true, sort: (row) => row[key] || 0, cell: (row) => (row[key] === undefined || row[key] === null ? '' : size(row[key])) });
  return [new SortedTable({
    id: 'ways', title: 'Ways of writing', rows, by: 0, isWhole: true, text: (row) => row.name,
    note: [h('code', null, '--layers squash'), ' makes one layer; ', h('code', null, 'keep'), ' rewrites those that change and leaves the others byte for byte; ', h('code', null, 'base'), ' leaves the base image’s and squashes the rest.'],
    columns: [
      { title: 'Way', isHead: true, sort: (row) => row.at, cell: (row) => row.name },
      numbers('On disk', (row) => row.disk_bytes),
      numbers('Uncompressed', (row) => row.uncompressed_bytes),
      numbers('Wire, about', (row) => row.wire_bytes_estimate),
      estimate('To upload, about', 'upload_bytes_estimate'),
      estimate('To download, about', 'download_bytes_estimate'),
      numbers('Layers', (row) => row.layers, number),
    ],
  })];
};

const groupName = (group) => (group.category === null ? group.title.toLowerCase() : link(group.category, 'category', group.category));

const planGroups = ({ groups }) => (groups.length ? [new SortedTable({
  id: 'groups', title: 'What goes', rows: groups, by: 2, isWhole: true, text: (row) => `${row.category || ''} ${row.title} ${row.safety || ''} ${row.rules.join(' ')}`,
  columns: [
    { title: 'Safety', sort: (row) => row.safety || '', cell: (row) => (row.safety ? chip(row.safety) : '') },
    { title: 'Category', isHead: true, sort: (row) => row.category || '', cell: groupName },
    numbers('On disk', (row) => row.disk_bytes),
    numbers('Files', (row) => row.files, number),
    { title: 'What it is', isWide: true, sort: (row) => row.title, cell: (row) => row.title },
    { title: 'Rules', isWide: true, sort: (row) => row.rules.join(' '), cell: (row) => h('code', { class: 'quiet' }, row.rules.slice(0, 6).join('  ') + (row.rules.length > 6 ? ` and ${number(row.rules.length - 6)} more` : '')) },
  ],
})] : []);

const WHY = { named: 'named by hand', part: 'part of another one', unneeded: 'nothing else needs it' };

const planPackages = ({ packages }) => (packages.length ? [new SortedTable({
  id: 'packages', title: 'Packages that go', rows: packages, by: 3, text: (row) => `${row.kind}:${row.name} ${row.version} ${row.set || ''}`,
  columns: [
    { title: 'Kind', sort: (row) => row.kind, cell: (row) => h('span', { class: 'dim' }, row.kind) },
    { title: 'Package', isHead: true, sort: (row) => row.name.toLowerCase(), cell: (row) => row.name },
    { title: 'Version', sort: (row) => row.version, cell: (row) => row.version },
    numbers('On disk', (row) => row.disk_bytes),
    numbers('Files', (row) => row.files, number),
    { title: 'Why', isWide: true, sort: (row) => row.why, cell: (row) => row.set || WHY[row.why] },
  ],
})] : []);

const planChanges = ({ changes }) => (changes.length ? [new SortedTable({
  id: 'changes', title: 'Files that change in place', rows: changes, by: 2, text: (row) => `${row.path} ${row.kind}`,
  columns: [
    { title: 'File', isHead: true, isWide: true, sort: (row) => row.path, cell: (row) => h('code', null, row.path) },
    { title: 'Change', sort: (row) => row.kind, cell: (row) => row.kind },
    numbers('Saved', (row) => row.old_bytes - row.new_bytes),
    numbers('Before', (row) => row.old_bytes),
    numbers('After', (row) => row.new_bytes),
    { title: 'Layer', isNumber: true, sort: (row) => row.layer, cell: (row) => row.layer },
  ],
})] : []);

const planRefused = ({ refused }) => (refused.length ? [new SortedTable({
  id: 'refused', title: 'Asked for, and stays', rows: refused, by: 0, text: (row) => `${row.path} ${row.rule} ${row.reason}`,
  columns: [
    { title: 'Path', isHead: true, isWide: true, sort: (row) => row.path, cell: (row) => h('code', null, row.path) },
    { title: 'Asked for by', sort: (row) => row.rule, cell: (row) => h('code', { class: 'quiet' }, row.rule) },
    { title: 'Why it stays', isWide: true, sort: (row) => row.reason, cell: (row) => row.reason },
  ],
})] : []);

const planSuggestions = ({ suggestions }) => (suggestions && suggestions.profiles.length ? [new SortedTable({
  id: 'suggestions', title: 'Profiles for what is in this image', rows: suggestions.profiles, by: 1, isWhole: true, text: (row) => `${row.profile} ${row.title}`,
  note: [h('code', null, '--profile auto'), ` takes off what all of them do: ${size(suggestions.disk_bytes)}.`],
  columns: [
    { title: 'Profile', isHead: true, sort: (row) => row.profile, cell: (row) => h('code', null, row.profile) },
    numbers('Takes off', (row) => row.disk_bytes),
    numbers('Files', (row) => row.files, number),
    { title: 'What it takes', isWide: true, sort: (row) => row.title, cell: (row) => row.title },
    { title: 'Because of', isWide: true, sort: (row) => row.evidence, cell: (row) => h('code', { class: 'quiet' }, row.evidence) },
  ],
})] : []);

const planPaths = ({ removals }) => (removals.length ? [new SortedTable({
  id: 'files', title: 'Every path that goes', rows: Array.from(removals).sort((a, b) => b.bytes - a.bytes), by: 0, isSorted: true, text: (row) => `${row.path} ${row.category || ''} ${row.rule}`,
  columns: [
    numbers('Saves', (row) => row.bytes),
    { title: 'Path', isHead: true, isWide: true, sort: (row) => row.path, cell: (row) => h('code', null, row.path) },
    { title: 'Layer', isNumber: true, sort: (row) => (row.layer === null ? -1 : row.layer), cell: (row) => (row.layer === null ? '' : row.layer) },
    { title: 'Category', sort: (row) => row.category || '', cell: (row) => row.category || '' },
    { title: 'Rule', isWide: true, sort: (row) => row.rule, cell: (row) => h('code', { class: 'quiet' }, row.rule) },
  ],
})] : []);

const kind = {
  model: goingPaths,
  platform: (plan) => plan.source.platform,
  title: (plan) => `${plan.source.reference} · slim plan`,
  show: (plan) => {
    planHeader(plan);
    return [planModes, planGroups, planSelection, planPackages, planChanges, planRefused, planSuggestions, planPaths, warnings].flatMap((one) => one(plan));
  },
};
